"""The desk on AWS. It imports boto3, for which ``--help`` need not wait."""

from lakehook.adapters.aws import Aws, own_trouble
from lakehook.adapters.cloudformation import CloudFormationStacks
from lakehook.adapters.world import WallClock
from lakehook.desk.on_aws import desk_at
from lakehook.domain.devlake.api_address import ApiAddress
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
    )


def _connect(address: ApiAddress) -> DevLakePipelines:
    from lakehook.adapters.devlake_session import connect  # noqa: PLC0415  few need Requests

    return connect(address)
