"""AWS session of a process that is not a function: the command, or a producer's service."""

import os

import botocore.session

LAPTOP_REGION = "us-east-1"
_ANYONE = "local"


def new_session(*, region: str | None = None) -> botocore.session.Session:
    """Create a session from the caller's configuration; locally ``AWS_ENDPOINT_URL`` is enough."""
    session = botocore.session.get_session()
    # The CDK and other AWS SDKs read AWS_REGION; botocore does not.
    if region := region or os.environ.get("AWS_REGION"):  # noqa: TID251
        session.set_config_variable("region", region)
    if os.environ.get("AWS_ENDPOINT_URL"):  # noqa: TID251  the one place that looks
        _fill_in(session)
    return session


def _fill_in(session: botocore.session.Session) -> None:
    # A laptop has no instance role, and querying the network for one takes seconds.
    session.get_component("credential_provider").remove("iam-role")
    if session.get_config_variable("region") is None:
        session.set_config_variable("region", LAPTOP_REGION)
    if session.get_credentials() is None:
        session.set_credentials(_ANYONE, _ANYONE)
