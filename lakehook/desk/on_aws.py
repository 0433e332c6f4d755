"""The desk of a deployment on AWS, or on what pretends to be AWS."""

from lakehook.adapters.aws import Aws
from lakehook.adapters.dynamo_archive import DynamoArchive
from lakehook.adapters.dynamo_health import DynamoHealths
from lakehook.adapters.dynamo_journal import DynamoJournal
from lakehook.adapters.dynamo_ledger import DynamoLedger
from lakehook.adapters.dynamo_past import DynamoPast
from lakehook.adapters.dynamo_pings import DynamoPings
from lakehook.adapters.dynamo_replays import DynamoReplays
from lakehook.adapters.dynamo_subscriptions import DynamoSubscriptions
from lakehook.adapters.dynamo_watch import DynamoWatch
from lakehook.adapters.http_names import resolve
from lakehook.adapters.kms import KmsSealer
from lakehook.adapters.liquid import LiquidTypesetter
from lakehook.adapters.signing_keys import SigningKeys
from lakehook.adapters.sqs_deliveries import SqsDeliveries
from lakehook.adapters.sqs_redrive import SqsLetterCopies, SqsRedrives
from lakehook.adapters.world import FairDice, WallClock
from lakehook.desk import Desk
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
from lakehook.ports.endpoints import Warn
from lakehook.preview import PreviewDelivery
from lakehook.redrive import Redrive
from lakehook.replay import (
    CountReplay,
    FollowReplay,
    LookUpReplays,
    StartReplay,
    StopReplay,
    TidyCopies,
)
from lakehook.say import Say
from lakehook.settings import Places, given, listed
from lakehook.subscribe import Amend, Subscribe
from lakehook.subscribe.mint import Mint
from lakehook.subscribe.rotate import RotateSecret
from lakehook.tell_pipeline import TellPipeline
from lakehook.unsubscribe import Unsubscribe

DAY = 24 * 3600


def desk_at(places: Places, aws: Aws, warn: Warn) -> Desk:
    clock, dice, dynamodb, sqs = WallClock(), FairDice(), aws.dynamodb(), aws.sqs()
    subscriptions = DynamoSubscriptions(dynamodb, places.subscriptions_table, clock)
    ledger = DynamoLedger(dynamodb, places.deliveries_table, clock)
    healths = DynamoHealths(dynamodb, places.deliveries_table)
    archive = DynamoArchive(dynamodb, places.deliveries_table)
    journal = DynamoJournal(dynamodb, places.pipelines_table, clock)
    watch = DynamoWatch(dynamodb, places.pipelines_table, clock)
    sealer = KmsSealer(aws.kms(), places.secrets_key)
    typesetter = LiquidTypesetter()
    mint = Mint(SigningKeys(), sealer, clock, dice)
    opened = networks_among(listed(places.allowed_networks), warn=warn)
    judge = JudgeEndpoint(resolve, opened, warn, given(places.email_sender))
    wake = WakeGently(ledger, clock)
    deliveries = SqsDeliveries(sqs, places.deliveries_queue_url)
    pings = DynamoPings(dynamodb, places.deliveries_table, clock)
    redrives = SqsRedrives(sqs, places.deliveries_queue_url, dice)
    copies = SqsLetterCopies(sqs, places.dead_letter_queue_url)
    replays = DynamoReplays(dynamodb, places.deliveries_table, clock)
    kept_seconds = float(places.event_retention_days) * DAY
    count_replay = CountReplay(DynamoPast(dynamodb, places.pipelines_table), ledger, clock)
    return Desk(
        clock=clock,
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
        start_replay=StartReplay(replays, count_replay, clock, dice, warn, kept_seconds),
        count_replay=count_replay,
        replays=LookUpReplays(replays),
        follow_replay=FollowReplay(LookUpReplays(replays), clock),
        stop_replay=StopReplay(LookUpReplays(replays), clock),
        tidy_copies=TidyCopies(archive, copies),
    )
