"""Factory of the operations, from the ports that a deployment or a test gives."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lakehook.dead_letters import Discard, FindDeadLetters, FindMovedLetters, Redrive
from lakehook.delivery.ping import TestEndpoint
from lakehook.delivery.sender import RenderDelivery
from lakehook.domain.ssrf_policy import Network
from lakehook.domain.subscription import EndpointChange
from lakehook.operations import OperatorService
from lakehook.operations.events import ManageParkedEvents
from lakehook.operations.trends import ShowTrends
from lakehook.ports.ingress import Publish
from lakehook.ports.outbound import (
    Encryptor,
    ParseClientCertificate,
    Pings,
    ResolveHost,
    SigningKeyFactory,
    TemplateRenderer,
    Warn,
)
from lakehook.ports.queues import (
    DeadLetterQueue,
    DeadLetterRedriver,
    DeliveryQueue,
    ParkedEventQueue,
)
from lakehook.ports.stores import (
    EndpointHealthStore,
    HealthHistory,
    Journal,
    Ledger,
    ReplayStore,
    SubscriptionRepository,
)
from lakehook.ports.system import Clock, Random
from lakehook.ports.telemetry import DeliveryMetrics
from lakehook.queries import (
    Explain,
    ListDeliveries,
    ListEvents,
    ListLanes,
    ListPipelines,
    ShowPipeline,
    ShowStatus,
)
from lakehook.replay.manage import (
    CountReplay,
    DeleteStaleDlqCopies,
    FollowReplay,
    LookUpReplays,
    Resend,
    SendAtOnce,
    SendPipeline,
    StartReplay,
    StopReplay,
)
from lakehook.replay.worker import EnqueueLane
from lakehook.subscriptions.lifecycle import (
    EnableSubscription,
    FindSubscription,
    PauseSubscription,
    ResumeLanesGradually,
    ResumeSubscription,
    Unsubscribe,
)
from lakehook.subscriptions.preview import PreviewDelivery
from lakehook.subscriptions.secrets import (
    RemoveClientCertificate,
    RotateSecret,
    SecretIssuer,
    SetClientCertificate,
)
from lakehook.subscriptions.subscribe import Subscribe, UpdateSubscription, ValidateEndpoint


@dataclass(frozen=True, kw_only=True)
class OperatorPorts:
    clock: Clock
    random: Random
    publish: Publish
    subscriptions: SubscriptionRepository
    ledger: Ledger
    endpoint_health: EndpointHealthStore
    health_history: HealthHistory
    delivery_metrics: DeliveryMetrics
    journal: Journal
    replays: ReplayStore
    pings: Pings
    queue: DeliveryQueue
    redriver: DeadLetterRedriver
    copies: DeadLetterQueue
    parked_events: ParkedEventQueue
    encryptor: Encryptor
    signing_keys: SigningKeyFactory
    parse_client_certificate: ParseClientCertificate
    renderer: TemplateRenderer
    resolve: ResolveHost
    warn: Warn
    allowed_networks: Sequence[Network]
    email_sender: str | None
    journal_keeps_seconds: float
    on_endpoint_change: Callable[[EndpointChange], None] | None = None  # otherwise a warning


def build_operator_service(ports: OperatorPorts) -> OperatorService:
    subscriptions, ledger = ports.subscriptions, ports.ledger
    clock, random, copies, renderer = ports.clock, ports.random, ports.copies, ports.renderer
    issuer = SecretIssuer(ports.signing_keys, ports.encryptor, clock, random)
    validate = ValidateEndpoint(
        ports.resolve, ports.allowed_networks, ports.warn, ports.email_sender
    )
    resume = ResumeLanesGradually(ledger, clock)
    pipelines = ListPipelines(ports.journal, clock)
    send = SendAtOnce(EnqueueLane(ledger, clock), ports.queue, clock, random)
    count, replays = CountReplay(ports.journal, ledger, clock), LookUpReplays(ports.replays)
    return OperatorService(
        clock=clock,
        show_status=ShowStatus(
            subscriptions, ports.endpoint_health, ledger, pipelines, clock, ports.parked_events
        ),
        show_trends=ShowTrends(ports.health_history, ports.delivery_metrics, clock),
        publish=ports.publish,
        parked_events=ManageParkedEvents(ports.parked_events, ports.publish),
        find_subscription=FindSubscription(subscriptions),
        subscribe=Subscribe(
            validate, subscriptions, ports.encryptor, issuer, clock, random, renderer
        ),
        test_endpoint=TestEndpoint(subscriptions, ports.queue, ports.pings, clock, random),
        update=_update_subscription(ports, validate, resume),
        preview=PreviewDelivery(RenderDelivery(renderer), clock),
        rotate_secret=RotateSecret(subscriptions, issuer, clock),
        set_client_certificate=_set_client_certificate(ports),
        remove_client_certificate=RemoveClientCertificate(subscriptions),
        unsubscribe=Unsubscribe(subscriptions, ledger, clock),
        pause=PauseSubscription(subscriptions, clock),
        resume=ResumeSubscription(subscriptions, resume),
        enable=EnableSubscription(subscriptions, ports.endpoint_health, resume),
        find_dead_letters=_find_dead_letters(ports),
        redrive=Redrive(subscriptions, ports.redriver, copies),
        discard=Discard(ledger, copies, clock),
        list_lanes=ListLanes(subscriptions, ledger, ports.endpoint_health),
        list_deliveries=ListDeliveries(subscriptions, ledger),
        explain=Explain(subscriptions, ledger),
        resend=Resend(subscriptions, ledger, ports.journal, send),
        send_pipeline=SendPipeline(ports.journal, send),
        show_pipeline=ShowPipeline(subscriptions, ports.journal, ledger),
        list_pipelines=pipelines,
        list_events=ListEvents(ports.journal, clock),
        start_replay=_start_replay(ports, count),
        count_replay=count,
        replays=replays,
        follow_replay=FollowReplay(replays, clock),
        stop_replay=StopReplay(replays, clock),
        delete_stale_copies=DeleteStaleDlqCopies(ledger, copies),
    )


def _update_subscription(
    ports: OperatorPorts, validate: ValidateEndpoint, resume: ResumeLanesGradually
) -> UpdateSubscription:
    return UpdateSubscription(
        validate,
        ports.subscriptions,
        ports.encryptor,
        resume,
        ports.renderer,
        ports.on_endpoint_change or (lambda change: ports.warn(str(change))),
    )


def _set_client_certificate(ports: OperatorPorts) -> SetClientCertificate:
    return SetClientCertificate(
        ports.subscriptions, ports.encryptor, ports.parse_client_certificate, ports.clock
    )


def _find_dead_letters(ports: OperatorPorts) -> FindDeadLetters:
    moved = FindMovedLetters(ports.copies, ports.ledger, ports.warn)
    return FindDeadLetters(ports.subscriptions, ports.ledger, moved)


def _start_replay(ports: OperatorPorts, count: CountReplay) -> StartReplay:
    return StartReplay(
        ports.replays, count, ports.clock, ports.random, ports.warn, ports.journal_keeps_seconds
    )
