"""Context of a command: the AWS account it uses, and the use cases it can run."""

import os
from collections.abc import Callable
from dataclasses import dataclass

import boto3
import botocore.session
import typer

from lakehook import operations
from lakehook.domain.devlake.sources import DevLakeSources
from lakehook.ingestion.check_devlake import CheckDevLake
from lakehook.ingestion.reconcile import Reconcile
from lakehook.ports.ingress import Publish

REGION = "us-east-1"
_ANYONE = "local"


@dataclass(frozen=True, kw_only=True)
class CommandService(operations.OperatorService):
    publish: Publish
    reconcile: Reconcile
    check_devlake: CheckDevLake
    devlake_sources: DevLakeSources
    ingress_url: str


OpenService = Callable[[str], CommandService]
"""Builds the operations of the stack of that name."""


def service_of(context: typer.Context, stack: str) -> CommandService:
    open_desk: OpenService = context.obj
    return open_desk(stack)


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
