"""Operations: the use cases of one deployment, for the command and the API alike.

===================  ==================================================================
__init__.py          the service: the use cases, made of their ports
bootstrap.py         the ports of a deployment: its adapters
events.py            events followed as they arrive, a sample triggered, parked ones sent again
trends.py            health over time, latency and deliveries a minute
notify_operators.py  reports each new condition of a subscription to operators once
http_status.py       the status of an error, in the API and in the console
views/               the model of each resource that the command and the API show
===================  ==================================================================
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from lakehook.dead_letters import (
    DeadLetterSelector,
    Discard,
    FindDeadLetters,
    FindMovedLetters,
    Redrive,
)
from lakehook.delivery.ping import TestEndpoint
from lakehook.delivery.sender import RenderDelivery
from lakehook.domain.errors import InvalidInput, LakehookError
from lakehook.domain.replay import BEGINNING, ReplayCriteria, ReplayRequest
from lakehook.domain.ssrf_policy import Network
from lakehook.domain.subscription import ID_PREFIX, EndpointChange, Subscription
from lakehook.domain.time import parse_time_or_ago
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
    SubscriptionBacklog,
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


def _split_delivery(reference: str) -> tuple[str, str, str]:
    """Split into the subscription, whose name may contain ``#``, and ``pipeline#sequence``."""
    lane, _, sequence = reference.rpartition("#")
    name, separator, pipeline = lane.rpartition("#")
    return name, separator, f"{pipeline}#{sequence}"


@dataclass(frozen=True, kw_only=True)
class ReplayUseCases:
    start_replay: StartReplay
    count_replay: CountReplay
    replays: LookUpReplays
    follow_replay: FollowReplay
    stop_replay: StopReplay
    delete_stale_copies: DeleteStaleDlqCopies
    resend: Resend
    send_pipeline: SendPipeline


@dataclass(frozen=True, kw_only=True)
class OperatorService(ReplayUseCases):
    clock: Clock
    show_status: ShowStatus
    show_trends: ShowTrends
    publish: Publish
    parked_events: ManageParkedEvents
    find_subscription: FindSubscription
    subscribe: Subscribe
    test_endpoint: TestEndpoint
    update: UpdateSubscription
    preview: PreviewDelivery
    rotate_secret: RotateSecret
    set_client_certificate: SetClientCertificate
    remove_client_certificate: RemoveClientCertificate
    unsubscribe: Unsubscribe
    pause: PauseSubscription
    resume: ResumeSubscription
    enable: EnableSubscription
    find_dead_letters: FindDeadLetters
    redrive: Redrive
    discard: Discard
    list_lanes: ListLanes
    list_deliveries: ListDeliveries
    explain: Explain
    show_pipeline: ShowPipeline
    list_pipelines: ListPipelines
    list_events: ListEvents

    def remove_subscription(
        self, reference: str, *, discard_waiting: bool
    ) -> tuple[Subscription, SubscriptionBacklog]:
        """Return the tombstone, and what is discarded: dead letters here, the rest by the sender.

        Repeated with the id, it completes an interrupted removal.
        """
        subscription = self.find_subscription(reference, removed=True)
        return self.remove(subscription, discard_waiting=discard_waiting)

    def remove(
        self, subscription: Subscription, *, discard_waiting: bool
    ) -> tuple[Subscription, SubscriptionBacklog]:
        """Do the same with a subscription as it was read, so that concurrent changes conflict."""
        tombstone, backlog = self.unsubscribe(subscription, discard_waiting=discard_waiting)
        if backlog.dead:
            self.discard(self.find_dead_letters(DeadLetterSelector(subscription_id=tombstone.id)))
        return tombstone, backlog

    def parse_backfill(self, since: str | None, *, from_beginning: bool) -> ReplayCriteria | None:
        """Parse which past events a new subscription is to get, before anything is saved."""
        if since is not None and from_beginning:
            raise InvalidInput("since: give either the beginning or a time, not both")
        if since is None and not from_beginning:
            return None
        return self.start_replay.criteria(
            ReplayRequest(since=BEGINNING if since is None else since)
        )

    def start_backfill(self, subscription: Subscription, past: ReplayCriteria | None) -> str | None:
        """Start their replay, and return its id.

        A failure only warns, since the secret must still be shown.
        """
        if past is None:
            return None
        try:
            return self.start_replay.for_new(subscription, past).replay.id
        except LakehookError as error:
            self.start_replay.warn(
                f"it is subscribed, but past events are not being sent: {error}; try: lakehook"
                f" replay --subscription {subscription.id} --since {past.requested[0]}"
                " --status missing"
            )
            return None

    def moment(self, text: str, *, what: str) -> float:
        """Return unix seconds of a time, or of a duration ago; ``InvalidInput`` shows both."""
        return parse_time_or_ago(text, what=what, now=self.clock.now())

    def subscriptions_by_id(self) -> Mapping[str, Subscription]:
        """Return every subscription, removed ones too."""
        return {s.id: s for s in self.find_subscription.subscriptions.all()}

    def resolve_delivery(self, reference: str) -> str:
        """Return the id of a delivery whose subscription may be given by its name."""
        name, separator, rest = _split_delivery(reference)
        if not separator or name.startswith(ID_PREFIX):
            return reference
        return f"{self.find_subscription(name).id}#{rest}"

    def resolve_id(self, reference: str | None) -> str | None:
        """Return the id of a subscription given by id or name, a removed one by id."""
        return None if reference is None else self.find_subscription(reference, removed=True).id


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
    subscriptions, ledger, journal = ports.subscriptions, ports.ledger, ports.journal
    health, parked, copies = ports.endpoint_health, ports.parked_events, ports.copies
    clock, random, renderer = ports.clock, ports.random, ports.renderer
    issuer = SecretIssuer(ports.signing_keys, ports.encryptor, clock, random)
    validate = ValidateEndpoint(
        ports.resolve, ports.allowed_networks, ports.warn, ports.email_sender
    )
    resume = ResumeLanesGradually(ledger, clock)
    pipelines = ListPipelines(journal, clock)
    return OperatorService(
        **vars(_replay_use_cases(ports)),
        clock=clock,
        show_status=ShowStatus(subscriptions, health, ledger, pipelines, clock, parked),
        show_trends=ShowTrends(ports.health_history, ports.delivery_metrics, clock),
        publish=ports.publish,
        parked_events=ManageParkedEvents(parked, ports.publish),
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
        enable=EnableSubscription(subscriptions, health, resume),
        find_dead_letters=_find_dead_letters(ports),
        redrive=Redrive(subscriptions, ports.redriver, copies),
        discard=Discard(ledger, copies, clock),
        list_lanes=ListLanes(subscriptions, ledger, health),
        list_deliveries=ListDeliveries(subscriptions, ledger),
        explain=Explain(subscriptions, ledger),
        show_pipeline=ShowPipeline(subscriptions, journal, ledger),
        list_pipelines=pipelines,
        list_events=ListEvents(journal, clock),
    )


def _replay_use_cases(ports: OperatorPorts) -> ReplayUseCases:
    ledger, clock, random = ports.ledger, ports.clock, ports.random
    send = SendAtOnce(EnqueueLane(ledger, clock), ports.queue, clock, random)
    count, replays = CountReplay(ports.journal, ledger, clock), LookUpReplays(ports.replays)
    return ReplayUseCases(
        start_replay=StartReplay(
            ports.replays, count, clock, random, ports.warn, ports.journal_keeps_seconds
        ),
        count_replay=count,
        replays=replays,
        follow_replay=FollowReplay(replays, clock),
        stop_replay=StopReplay(replays, clock),
        delete_stale_copies=DeleteStaleDlqCopies(ledger, ports.copies),
        resend=Resend(ports.subscriptions, ledger, ports.journal, send),
        send_pipeline=SendPipeline(ports.journal, send),
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
