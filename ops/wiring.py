"""The desk on AWS. It imports boto3, for which ``--help`` need not wait."""

from lakehook.adapters.api_credentials import StoredApiCredentials
from lakehook.adapters.aws import Aws, own_trouble
from lakehook.adapters.cloudformation import CloudFormationStacks
from lakehook.adapters.dynamo_heard import DynamoHeard
from lakehook.adapters.dynamo_journal import DynamoJournal
from lakehook.adapters.dynamo_reconciliations import DynamoReconciliations
from lakehook.adapters.secrets_manager import StoredSecret
from lakehook.adapters.world import FairDice, WallClock
from lakehook.check_devlake import CheckDevLake
from lakehook.desk.on_aws import desk_at
from lakehook.domain.devlake.api_address import ApiAddress
from lakehook.domain.devlake.setup_check import EndpointAnswer
from lakehook.domain.devlake.sources import DevLakeSources
from lakehook.ports.devlake import DevLakePipelines
from lakehook.ports.endpoints import Warn
from lakehook.producer import PipelineEventPublisher
from lakehook.reconcile import Reconcile
from lakehook.settings import Deployment
from ops.desk import Desk
from ops.session import session


def desk_of_stack(stack: str, warn: Warn) -> Desk:
    with own_trouble():  # no region, no such profile
        aws = Aws(session())
        return desk_of_deployment(CloudFormationStacks(aws.cloudformation()).find(stack), aws, warn)


def desk_of_deployment(deployment: Deployment, aws: Aws, warn: Warn) -> Desk:
    publish = PipelineEventPublisher(deployment.events_queue_url, aws.sqs()).publish
    return Desk(
        **vars(desk_at(deployment, aws, warn)),
        publish=publish,
        reconcile=Reconcile(_connect, publish, WallClock(), warn),
        check_devlake=_check_devlake(deployment, aws),
        devlake_sources=DevLakeSources.parse(
            deployment.devlake_api_url, deployment.devlake_ui_url, deployment.devlake_sources
        ),
        ingress_url=deployment.ingress_url,
    )


def _check_devlake(deployment: Deployment, aws: Aws) -> CheckDevLake:
    clock, dynamodb, table = WallClock(), aws.dynamodb(), deployment.pipelines_table
    secrets_manager, api_secret = aws.secrets_manager(), deployment.devlake_api_secret_arn
    return CheckDevLake(
        secrets=StoredSecret(secrets_manager, deployment.notification_secret_arn, clock.now),
        post=_post_notice,
        heard=DynamoHeard(dynamodb, table, clock.now),
        chronicle=DynamoJournal(dynamodb, table, clock),
        reconciliations=DynamoReconciliations(dynamodb, table),
        credentials=lambda source: StoredApiCredentials(
            secrets_manager, api_secret, source, clock.now
        ),
        connect=_connect,
        clock=clock,
        dice=FairDice(),
    )


def _post_notice(url: str, query: str, body: bytes) -> EndpointAnswer:
    from lakehook.adapters.notification_endpoint import post_notice  # noqa: PLC0415  as below

    return post_notice(url, query, body)


def _connect(address: ApiAddress) -> DevLakePipelines:
    from lakehook.adapters.devlake_session import connect  # noqa: PLC0415  few need Requests

    return connect(address)
