"""The desk on AWS. It imports boto3, for which ``--help`` need not wait."""

from lakehook.adapters.aws import Aws, own_trouble
from lakehook.adapters.cloudformation import CloudFormationStacks
from lakehook.adapters.devlake_pipelines import RestDevlake
from lakehook.adapters.dynamo_archive import DynamoArchive
from lakehook.adapters.dynamo_health import DynamoHealths
from lakehook.adapters.dynamo_journal import DynamoJournal
from lakehook.adapters.dynamo_ledger import DynamoLedger
from lakehook.adapters.dynamo_pings import DynamoPings
from lakehook.adapters.dynamo_subscriptions import DynamoSubscriptions
from lakehook.adapters.dynamo_watch import DynamoWatch
from lakehook.adapters.http import resolve
from lakehook.adapters.kms import KmsSealer
from lakehook.adapters.liquid import LiquidTypesetter
from lakehook.adapters.signing_keys import SigningKeys
from lakehook.adapters.sqs_deliveries import SqsDeliveries
from lakehook.adapters.sqs_redrive import SqsLetterCopies, SqsRedrives
from lakehook.adapters.world import FairDice, WallClock
from lakehook.discard import Discard
from lakehook.domain.address import networks_among
from lakehook.explain import Explain
from lakehook.find_letters import FindLetters
from lakehook.judge_endpoint import JudgeEndpoint
from lakehook.list_deliveries import ListDeliveries
from lakehook.list_lanes import ListLanes
from lakehook.list_pipelines import ListPipelines
from lakehook.look_up import LookUp
from lakehook.pause import Enable, Pause, Unpause, WakeGently
from lakehook.ping.ask import AskEndpoint
from lakehook.ports import Warn
from lakehook.preview import PreviewDelivery
from lakehook.producer import PipelineEventPublisher
from lakehook.reconcile import Reconcile
from lakehook.redrive import Redrive
from lakehook.say import Say
from lakehook.settings import Deployment, listed
from lakehook.subscribe import Amend, Subscribe
from lakehook.subscribe.mint import Mint
from lakehook.subscribe.rotate import RotateSecret
from lakehook.tell_pipeline import TellPipeline
from lakehook.unsubscribe import Unsubscribe
from ops.desk import Desk
from ops.session import session


def desk_of_stack(stack: str, warn: Warn) -> Desk:
    with own_trouble():  # no region, no such profile
        aws = Aws(session())
        return desk_of_deployment(CloudFormationStacks(aws.cloudformation()).find(stack), aws, warn)


def desk_of_deployment(deployment: Deployment, aws: Aws, warn: Warn) -> Desk:
    clock, dice, dynamodb, sqs = WallClock(), FairDice(), aws.dynamodb(), aws.sqs()
    typesetter = LiquidTypesetter()
    subscriptions = DynamoSubscriptions(dynamodb, deployment.subscriptions_table, clock)
    ledger = DynamoLedger(dynamodb, deployment.deliveries_table, clock)
    healths = DynamoHealths(dynamodb, deployment.deliveries_table)
    archive = DynamoArchive(dynamodb, deployment.deliveries_table)
    journal = DynamoJournal(dynamodb, deployment.pipelines_table, clock)
    watch = DynamoWatch(dynamodb, deployment.pipelines_table, clock)
    sealer = KmsSealer(aws.kms(), deployment.secrets_key)
    mint = Mint(SigningKeys(), sealer, clock, dice)
    opened = networks_among(listed(deployment.allowed_networks), warn=warn)
    judge = JudgeEndpoint(resolve, opened, warn)
    wake = WakeGently(ledger, clock)
    deliveries = SqsDeliveries(sqs, deployment.deliveries_queue_url)
    pings = DynamoPings(dynamodb, deployment.deliveries_table, clock)
    redrives = SqsRedrives(sqs, deployment.deliveries_queue_url, dice)
    copies = SqsLetterCopies(sqs, deployment.dead_letter_queue_url)
    publish = PipelineEventPublisher(deployment.events_queue_url, sqs).publish
    return Desk(
        look_up=LookUp(subscriptions),
        subscribe=Subscribe(judge, subscriptions, sealer, mint, clock, dice, typesetter),
        ask=AskEndpoint(subscriptions, deliveries, pings, clock, dice),
        amend=Amend(judge, subscriptions, sealer, wake, typesetter),
        preview=PreviewDelivery(Say(typesetter), clock),
        rotate_secret=RotateSecret(subscriptions, mint, clock),
        unsubscribe=Unsubscribe(subscriptions, ledger, clock),
        pause=Pause(subscriptions, clock),
        unpause=Unpause(subscriptions, wake),
        enable=Enable(subscriptions, healths, wake),
        find_letters=FindLetters(subscriptions, ledger, archive),
        redrive=Redrive(subscriptions, redrives, copies),
        discard=Discard(ledger, copies, clock),
        list_lanes=ListLanes(subscriptions, ledger, healths, archive),
        list_deliveries=ListDeliveries(subscriptions, archive),
        explain=Explain(subscriptions, ledger, archive),
        tell_pipeline=TellPipeline(subscriptions, journal, archive),
        list_pipelines=ListPipelines(watch, clock),
        publish=publish,
        reconcile=Reconcile(RestDevlake, publish, clock, warn),
    )
