"""The desk on AWS. It imports boto3, for which ``--help`` need not wait."""

from lakehook.adapters.aws import Aws, own_trouble
from lakehook.adapters.cloudformation import CloudFormationStacks
from lakehook.adapters.dynamo_ledger import DynamoLedger
from lakehook.adapters.dynamo_subscriptions import DynamoSubscriptions
from lakehook.adapters.http import resolve
from lakehook.adapters.kms import KmsSealer
from lakehook.adapters.world import FairDice, WallClock
from lakehook.domain.address import parse_networks
from lakehook.judge_endpoint import JudgeEndpoint
from lakehook.look_up import LookUp
from lakehook.ports import Warn
from lakehook.producer import PipelineEventPublisher
from lakehook.settings import Deployment, listed
from lakehook.subscribe import Amend, Subscribe
from lakehook.unsubscribe import Unsubscribe
from ops.desk import Desk
from ops.session import session


def desk_of_stack(stack: str, warn: Warn) -> Desk:
    with own_trouble():  # no region, no such profile
        aws = Aws(session())
        return desk_of_deployment(CloudFormationStacks(aws.cloudformation()).find(stack), aws, warn)


def desk_of_deployment(deployment: Deployment, aws: Aws, warn: Warn) -> Desk:
    clock, dice, dynamodb = WallClock(), FairDice(), aws.dynamodb()
    subscriptions = DynamoSubscriptions(dynamodb, deployment.subscriptions_table, clock)
    ledger = DynamoLedger(dynamodb, deployment.deliveries_table, clock)
    sealer = KmsSealer(aws.kms(), deployment.secrets_key)
    opened = parse_networks(listed(deployment.allowed_networks))
    judge = JudgeEndpoint(resolve, opened, warn)
    return Desk(
        look_up=LookUp(subscriptions),
        subscribe=Subscribe(judge, subscriptions, sealer, clock, dice),
        amend=Amend(judge, subscriptions, sealer),
        unsubscribe=Unsubscribe(subscriptions, ledger, clock),
        publish=PipelineEventPublisher(deployment.events_queue_url, aws.sqs()).publish,
    )
