"""AWS session of a process that somebody starts by hand: the command, or a producer's service."""

import os

import botocore.session

LAPTOP_REGION = "us-east-1"
_ANYONE = "local"


def new_session(*, region: str | None = None) -> botocore.session.Session:
    """What the caller has configured; for a laptop, ``AWS_ENDPOINT_URL`` is enough."""
    session = botocore.session.get_session()
    # AWS_REGION is what the CDK and other SDKs of AWS read; botocore does not.
    if region := region or os.environ.get("AWS_REGION"):  # noqa: TID251
        session.set_config_variable("region", region)
    if os.environ.get("AWS_ENDPOINT_URL"):  # noqa: TID251  the one place that looks
        _fill_in(session)
    return session


def _fill_in(session: botocore.session.Session) -> None:
    # A laptop has no role of its own, and asking the network for one takes seconds.
    session.get_component("credential_provider").remove("iam-role")
    if session.get_config_variable("region") is None:
        session.set_config_variable("region", LAPTOP_REGION)
    if session.get_credentials() is None:
        session.set_credentials(_ANYONE, _ANYONE)
