"""The AWS account that the command uses. It imports boto3, for which ``--help`` need not wait."""

import os

import boto3
import botocore.session

REGION = "us-east-1"
_ANYONE = "local"


def session() -> boto3.Session:
    """What the caller has configured; beside ``AWS_ENDPOINT_URL`` nothing need be."""
    core = botocore.session.get_session()
    if region := os.environ.get("AWS_REGION"):  # noqa: TID251
        core.set_config_variable("region", region)  # as the CDK has it, and other SDKs of AWS
    if os.environ.get("AWS_ENDPOINT_URL"):  # noqa: TID251  the one place that looks
        _fill_in(core)
    return boto3.Session(botocore_session=core)


def _fill_in(core: botocore.session.Session) -> None:
    # A laptop has no role of its own, and asking the network for one takes seconds.
    core.get_component("credential_provider").remove("iam-role")
    if core.get_config_variable("region") is None:
        core.set_config_variable("region", REGION)
    if core.get_credentials() is None:
        core.set_credentials(_ANYONE, _ANYONE)
