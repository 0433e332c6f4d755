"""The operator's use cases on AWS, imported late: ``--help`` need not wait for boto3."""

from lakehook.adapters.api_credentials import StoredApiCredentials
from lakehook.adapters.aws import Aws, CloudFormationStacks, translate_aws_errors
from lakehook.adapters.dynamodb.journal import (
    DynamoJournal,
    DynamoJournalScan,
    DynamoUnfinishedPipelines,
)
from lakehook.adapters.dynamodb.last_heard import DynamoHeard
from lakehook.adapters.dynamodb.ledger import DynamoDeliveryQueries
from lakehook.adapters.dynamodb.reconciliations import DynamoReconciliations
from lakehook.adapters.secrets_manager import SecretsManagerNotificationSecret
from lakehook.adapters.sqs.deliveries import SqsDeliveryQueue
from lakehook.adapters.system import SystemClock, SystemRandom
from lakehook.cli.aws_session import is_loopback_url, session
from lakehook.cli.context import CommandService
from lakehook.domain.devlake.api_address import ApiAddress
from lakehook.domain.devlake.setup_check import EndpointAnswer
from lakehook.domain.devlake.sources import DevLakeSources
from lakehook.ingestion.check_devlake import CheckDevLake
from lakehook.ingestion.reconcile import Reconcile
from lakehook.operations.bootstrap import build_operator_service
from lakehook.operations.follow import FollowEvents
from lakehook.operations.trigger import TriggerEvent
from lakehook.ports.ingress import DevLakePipelines
from lakehook.ports.outbound import Warn
from lakehook.producer import Publisher
from lakehook.settings import StackOutputs


def open_service(stack: str, warn: Warn) -> CommandService:
    with translate_aws_errors():  # no region, no such profile
        aws = Aws(session())
        return service_for_outputs(
            CloudFormationStacks(aws.cloudformation()).find(stack), aws, warn
        )


def service_for_outputs(deployment: StackOutputs, aws: Aws, warn: Warn) -> CommandService:
    publish = Publisher(deployment.events_queue_url, aws.sqs()).publish
    return CommandService(
        **vars(build_operator_service(deployment, aws, warn)),
        publish=publish,
        reconcile=Reconcile(_connect, publish, SystemClock(), warn),
        check_devlake=_check_devlake(deployment, aws),
        devlake_sources=DevLakeSources.parse(
            deployment.devlake_api_url, deployment.devlake_ui_url, deployment.devlake_sources
        ),
        ingress_url=deployment.ingress_url,
        trigger=TriggerEvent(
            publish,
            SqsDeliveryQueue(aws.sqs(), deployment.deliveries_queue_url),
            DynamoDeliveryQueries(aws.dynamodb(), deployment.deliveries_table),
            SystemClock(),
        ),
        follow_events=_follow_events(deployment, aws),
        is_laptop=is_loopback_url(aws.sqs().meta.endpoint_url),
    )


def _follow_events(deployment: StackOutputs, aws: Aws) -> FollowEvents:
    dynamodb, table, clock = aws.dynamodb(), deployment.pipelines_table, SystemClock()
    return FollowEvents(
        DynamoUnfinishedPipelines(dynamodb, table, clock),
        DynamoJournal(dynamodb, table, clock),
        DynamoJournalScan(dynamodb, table),
        clock,
    )


def _check_devlake(deployment: StackOutputs, aws: Aws) -> CheckDevLake:
    clock, dynamodb, table = SystemClock(), aws.dynamodb(), deployment.pipelines_table
    secrets_manager, api_secret = aws.secrets_manager(), deployment.devlake_api_secret_arn
    return CheckDevLake(
        secrets=SecretsManagerNotificationSecret(
            secrets_manager, deployment.notification_secret_arn, clock.now
        ),
        post=_post_notice,
        heard=DynamoHeard(dynamodb, table, clock.now),
        chronicle=DynamoJournal(dynamodb, table, clock),
        reconciliations=DynamoReconciliations(dynamodb, table),
        credentials=lambda source: StoredApiCredentials(
            secrets_manager, api_secret, source, clock.now
        ),
        connect=_connect,
        clock=clock,
        dice=SystemRandom(),
    )


def _post_notice(url: str, query: str, body: bytes) -> EndpointAnswer:
    from lakehook.adapters.notification_endpoint import post_notice  # noqa: PLC0415  as below

    return post_notice(url, query, body)


def _connect(address: ApiAddress) -> DevLakePipelines:
    from lakehook.adapters.devlake.session import connect  # noqa: PLC0415  few need Requests

    return connect(address)
