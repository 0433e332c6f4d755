"""The operator's use cases on AWS, imported late, as ``--help`` does not need boto3."""

import os
from ipaddress import ip_address
from urllib.parse import urlsplit

import boto3

from lakehook.adapters.aws import Aws, CloudFormationStacks, new_session, translate_aws_errors
from lakehook.adapters.dynamodb.last_heard import DynamoHeard
from lakehook.adapters.dynamodb.reconciliations import DynamoReconciliations
from lakehook.adapters.secrets_manager import SecretsManagerNotificationSecret, StoredApiCredentials
from lakehook.cli.context import CommandPorts, CommandService, build_command_service
from lakehook.domain.devlake.setup_check import EndpointAnswer
from lakehook.domain.devlake.sources import ApiAddress, DevLakeSources
from lakehook.operations.bootstrap import STACK, operator_ports
from lakehook.ports.ingress import DevLakePipelines
from lakehook.ports.outbound import Warn
from lakehook.settings import StackOutputs

_THIS_MACHINE = "127.0.0.1,localhost,::1"


def session() -> boto3.Session:
    """Create the configured session; a laptop's cloud is reached without a proxy."""
    environ = os.environ  # noqa: TID251  botocore reads proxies there
    if is_loopback_url(environ.get("AWS_ENDPOINT_URL", "")):
        kept = environ.get("no_proxy") or environ.get("NO_PROXY")
        environ["no_proxy"] = f"{kept},{_THIS_MACHINE}" if kept else _THIS_MACHINE
    return boto3.Session(botocore_session=new_session())


def is_loopback_url(url: str) -> bool:
    """Whether the URL's host is this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def open_service(stack: str, warn: Warn) -> CommandService:
    with translate_aws_errors():  # no region, or an unknown profile
        aws = Aws(session())
        return service_for_outputs(
            CloudFormationStacks(aws.cloudformation()).find(stack), aws, warn, stack=stack
        )


def service_for_outputs(
    deployment: StackOutputs, aws: Aws, warn: Warn, *, stack: str = STACK
) -> CommandService:
    operator = operator_ports(deployment, aws, warn, stack=stack)
    secrets_manager = aws.secrets_manager()
    dynamodb, table, clock = aws.dynamodb(), deployment.pipelines_table, operator.clock
    return build_command_service(
        CommandPorts(
            operator=operator,
            connect=_connect,
            notification_secrets=SecretsManagerNotificationSecret(
                secrets_manager, deployment.notification_secret_arn, clock.now
            ),
            api_credentials=lambda source: StoredApiCredentials(
                secrets_manager, deployment.devlake_api_secret_arn, source, clock.now
            ),
            post_notice=_post_notice,
            heard=DynamoHeard(dynamodb, table, clock.now),
            reconciliations=DynamoReconciliations(dynamodb, table),
            devlake_sources=DevLakeSources.parse(
                deployment.devlake_api_url, deployment.devlake_ui_url, deployment.devlake_sources
            ),
            ingress_url=deployment.ingress_url,
            is_laptop=is_loopback_url(aws.sqs().meta.endpoint_url),
        )
    )


def _post_notice(url: str, query: str, body: bytes) -> EndpointAnswer:
    from lakehook.adapters.devlake.session import post_notice  # noqa: PLC0415  as below

    return post_notice(url, query, body)


def _connect(address: ApiAddress) -> DevLakePipelines:
    from lakehook.adapters.devlake.session import connect  # noqa: PLC0415  few need Requests

    return connect(address)
