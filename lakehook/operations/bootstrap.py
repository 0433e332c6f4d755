"""Wiring of the operations on AWS, or on a local stand-in of AWS."""

from lakehook.adapters.aws import Aws
from lakehook.adapters.dynamodb.circuit_breakers import DynamoEndpointHealthStore
from lakehook.adapters.dynamodb.journal import (
    DynamoJournal,
    DynamoJournalScan,
    DynamoUnfinishedPipelines,
)
from lakehook.adapters.dynamodb.ledger import DynamoDeliveryQueries, DynamoLedger
from lakehook.adapters.dynamodb.pings import DynamoPings
from lakehook.adapters.dynamodb.replays import DynamoReplays
from lakehook.adapters.dynamodb.subscriptions import DynamoSubscriptions
from lakehook.adapters.http.dns import resolve
from lakehook.adapters.kms import KmsEncryptor
from lakehook.adapters.liquid import LiquidRenderer
from lakehook.adapters.signing_keys import CryptographySigningKeys
from lakehook.adapters.sqs.dead_letters import SqsDeadLetterCopies, SqsDeadLetterRedriver
from lakehook.adapters.sqs.deliveries import SqsDeliveryQueue
from lakehook.adapters.system import SystemClock, SystemRandom
from lakehook.dead_letters import Discard, FindDeadLetters, FindMovedLetters, Redrive
from lakehook.delivery.ping import TestEndpoint
from lakehook.delivery.render import RenderDelivery
from lakehook.domain.ssrf_policy import valid_networks
from lakehook.operations import OperatorService
from lakehook.ports.outbound import Warn
from lakehook.queries import (
    Explain,
    ListDeliveries,
    ListLanes,
    ListPipelines,
    ShowPipeline,
    ShowStatus,
)
from lakehook.replay import (
    CountReplay,
    DeleteStaleDlqCopies,
    FollowReplay,
    LookUpReplays,
    StartReplay,
    StopReplay,
)
from lakehook.settings import ResourceNames, parse_list, parse_optional
from lakehook.subscriptions.lifecycle import (
    EnableSubscription,
    FindSubscription,
    PauseSubscription,
    ResumeLanesGradually,
    ResumeSubscription,
    Unsubscribe,
)
from lakehook.subscriptions.preview import PreviewDelivery
from lakehook.subscriptions.secrets import RotateSecret, SecretIssuer
from lakehook.subscriptions.subscribe import Subscribe, UpdateSubscription, ValidateEndpoint

DAY = 24 * 3600


def build_operator_service(resources: ResourceNames, aws: Aws, warn: Warn) -> OperatorService:
    clock, random, dynamodb, sqs = SystemClock(), SystemRandom(), aws.dynamodb(), aws.sqs()
    subscriptions = DynamoSubscriptions(dynamodb, resources.subscriptions_table, clock)
    ledger = DynamoLedger(dynamodb, resources.deliveries_table, clock)
    endpoint_health = DynamoEndpointHealthStore(dynamodb, resources.deliveries_table)
    archive = DynamoDeliveryQueries(dynamodb, resources.deliveries_table)
    journal = DynamoJournal(dynamodb, resources.pipelines_table, clock)
    watch = DynamoUnfinishedPipelines(dynamodb, resources.pipelines_table, clock)
    encryptor = KmsEncryptor(aws.kms(), resources.secrets_key)
    renderer = LiquidRenderer()
    secret_issuer = SecretIssuer(CryptographySigningKeys(), encryptor, clock, random)
    allowed = valid_networks(parse_list(resources.allowed_networks), warn=warn)
    validate_endpoint = ValidateEndpoint(
        resolve, allowed, warn, parse_optional(resources.email_sender)
    )
    resume_lanes = ResumeLanesGradually(ledger, clock)
    deliveries = SqsDeliveryQueue(sqs, resources.deliveries_queue_url)
    pings = DynamoPings(dynamodb, resources.deliveries_table, clock)
    redriver = SqsDeadLetterRedriver(sqs, resources.deliveries_queue_url, random)
    copies = SqsDeadLetterCopies(sqs, resources.dead_letter_queue_url)
    replays = DynamoReplays(dynamodb, resources.deliveries_table, clock)
    kept_seconds = float(resources.event_retention_days) * DAY
    count_replay = CountReplay(
        DynamoJournalScan(dynamodb, resources.pipelines_table), ledger, clock
    )
    return OperatorService(
        clock=clock,
        show_status=ShowStatus(
            subscriptions, endpoint_health, ledger, ListPipelines(watch, clock), clock
        ),
        find_subscription=FindSubscription(subscriptions),
        subscribe=Subscribe(
            validate_endpoint, subscriptions, encryptor, secret_issuer, clock, random, renderer
        ),
        test_endpoint=TestEndpoint(subscriptions, deliveries, pings, clock, random),
        update=UpdateSubscription(
            validate_endpoint, subscriptions, encryptor, resume_lanes, renderer
        ),
        preview=PreviewDelivery(RenderDelivery(renderer), clock),
        rotate_secret=RotateSecret(subscriptions, secret_issuer, clock),
        unsubscribe=Unsubscribe(subscriptions, ledger, clock),
        pause=PauseSubscription(subscriptions, clock),
        resume=ResumeSubscription(subscriptions, resume_lanes),
        enable=EnableSubscription(subscriptions, endpoint_health, resume_lanes),
        find_dead_letters=FindDeadLetters(
            subscriptions, ledger, archive, FindMovedLetters(copies, archive, warn)
        ),
        redrive=Redrive(subscriptions, redriver, copies),
        discard=Discard(ledger, copies, clock),
        list_lanes=ListLanes(subscriptions, ledger, endpoint_health, archive),
        list_deliveries=ListDeliveries(subscriptions, archive),
        explain=Explain(subscriptions, ledger, archive),
        show_pipeline=ShowPipeline(subscriptions, journal, archive),
        list_pipelines=ListPipelines(watch, clock),
        start_replay=StartReplay(replays, count_replay, clock, random, warn, kept_seconds),
        count_replay=count_replay,
        replays=LookUpReplays(replays),
        follow_replay=FollowReplay(LookUpReplays(replays), clock),
        stop_replay=StopReplay(LookUpReplays(replays), clock),
        delete_stale_copies=DeleteStaleDlqCopies(archive, copies),
    )
