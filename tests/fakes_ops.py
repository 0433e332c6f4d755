"""Stand-ins for what only the operator's command needs, and a desk made of them."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from lakehook.adapters.signing_keys import CryptographySigningKeys
from lakehook.cli.context import CommandService
from lakehook.dead_letters import Discard, FindDeadLetters, FindMovedLetters, Redrive
from lakehook.delivery.ping import TestEndpoint
from lakehook.delivery.render import RenderDelivery
from lakehook.domain.delivery import Lane
from lakehook.domain.devlake.setup_check import EndpointAnswer, EndpointResponse
from lakehook.domain.devlake.signature import SignedNotification
from lakehook.domain.devlake.sources import NONE, DevLakeSources
from lakehook.domain.errors import InvalidSignature
from lakehook.domain.event import Event
from lakehook.domain.lane import DeliveryRecord, DeliveryStatus, HeldLane
from lakehook.domain.ping import Ping, PingResult
from lakehook.domain.ssrf_policy import parse_networks
from lakehook.ingestion.check_devlake import CheckDevLake
from lakehook.ingestion.reconcile import Reconcile
from lakehook.operations.follow import FollowEvents
from lakehook.operations.trigger import TriggerEvent
from lakehook.ports.outbound import TemplateRenderer
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
from tests.devlake.port import FakeApiCredentials, FakeDevlake
from tests.fakes import (
    FakeClock,
    FakeDeadLetters,
    FakeDice,
    FakeJournal,
    FakeLedger,
    FakeOutbox,
    FakePings,
    FakeSubscriptions,
    FakeTypesetter,
)
from tests.fakes_ingress import FakeHeard, FakeNotificationSecrets
from tests.fakes_reconcile import FakeReconciliations
from tests.fakes_replay import FakePast, FakeReplays

SECRET = "the notification secret"
INGRESS_URL = "https://ingress.lambda-url.eu-central-1.on.aws/"


class FakeSealer:
    """A sealed thing is no longer readable, and says for whom it was sealed."""

    def encrypt(self, plaintext: bytes, *, subscription_id: str) -> bytes:
        return subscription_id.encode() + b":" + plaintext[::-1].hex().encode()

    def unseal(self, sealed: bytes, *, subscription_id: str) -> bytes:
        owner, _, plaintext = sealed.partition(b":")
        assert owner == subscription_id.encode(), "sealed for another subscription"
        return bytes.fromhex(plaintext.decode())[::-1]


@dataclass
class FakeNetwork:
    """Knows the addresses of a few hosts, and of no others."""

    hosts: dict[str, list[str]] = field(
        default_factory=lambda: {
            "ci.example": ["93.184.216.34"],
            "laptop.example": ["127.0.0.1"],
            "mixed.example": ["93.184.216.34", "10.0.0.1"],
        }
    )

    def resolve(self, host: str, port: int) -> Sequence[str]:
        if host not in self.hosts:
            host.encode("idna")  # as the resolver of Python does first
            raise OSError(f"{host}: name or service not known")
        return self.hosts[host]


@dataclass
class FakePublisher:
    published: list[Event] = field(default_factory=list)

    def publish(self, events: Iterable[Event], *, sent: Callable[[int], None] | None = None) -> int:
        new = list(events)
        self.published += new
        return len(new)


@dataclass
class FakeRedrives:
    sent: list[DeliveryRecord] = field(default_factory=list)

    def send(self, record: DeliveryRecord, *, endpoint: str) -> None:
        self.sent.append(record)


@dataclass
class FakeArchive:
    ledger: FakeLedger

    def find(self, lane: Lane, sequence: int) -> DeliveryRecord | None:
        return self.ledger.records.get((lane, sequence))

    def by_lane(self, lane: Lane) -> Iterator[DeliveryRecord]:
        records = [record for record in self.ledger.records.values() if record.lane == lane]
        yield from sorted(records, key=lambda record: -record.sequence)

    def by_subscription(
        self, subscription_id: str | None, *, on_scanned: Callable[[int], None]
    ) -> Iterator[DeliveryRecord]:
        on_scanned(len(self.ledger.records) + len(self.ledger.lanes))
        for record in list(self.ledger.records.values()):
            if subscription_id in (None, record.lane.subscription_id):
                yield record

    def count_waiting_behind(self, held: HeldLane) -> int:
        return sum(
            record.lane == held.lane
            and record.sequence > held.head
            and record.status is DeliveryStatus.WAITING
            for record in self.ledger.records.values()
        )


@dataclass
class FakeDoorbell:
    """The delivery function at the other end: it answers at once, as the test has said."""

    pings: FakePings
    pong: Callable[[Ping], PingResult | None] = lambda _: None
    asked: list[Ping] = field(default_factory=list)

    def enqueue_ping(self, ping: Ping) -> None:
        self.asked.append(ping)
        if pong := self.pong(ping):
            self.pings.record(ping, pong)


@dataclass
class FakeEndpoint:
    """The ingress at the other end: it checks the sign of a test notice, as the real one does."""

    secret: str
    answer: EndpointAnswer | None = None  # whatever is sent
    posted: list[tuple[str, bytes]] = field(default_factory=list)

    def __call__(self, url: str, query: str, body: bytes) -> EndpointAnswer:
        self.posted.append((url, body))
        if self.answer:
            return self.answer
        try:
            SignedNotification(body, query).verify([self.secret])
        except InvalidSignature as error:
            return EndpointResponse(401, json.dumps({"error": str(error)}).encode())
        return EndpointResponse(202, b'{"test": true}')


class Office:
    """Everything behind a desk, for a test to look at."""

    def __init__(self, *, opened: Sequence[str] = ()) -> None:
        self.clock, self.dice, self.sealer = FakeClock(), FakeDice(), FakeSealer()
        self.subscriptions, self.ledger = FakeSubscriptions(), FakeLedger(clock=self.clock)
        self.healths = self.ledger.healths
        self.journal, self.archive = FakeJournal(clock=self.clock), FakeArchive(self.ledger)
        self.redrives, self.dead_letters = FakeRedrives(), FakeDeadLetters()
        self.network, self.publisher = FakeNetwork(), FakePublisher()
        self.opened = parse_networks(opened)
        self.pings, self.devlake = FakePings(), FakeDevlake()
        self.secrets, self.endpoint = FakeNotificationSecrets([SECRET]), FakeEndpoint(SECRET)
        self.heard, self.credentials = FakeHeard(self.clock), FakeApiCredentials()
        self.reconciliations = FakeReconciliations()
        self.sources = DevLakeSources.parse(NONE, NONE, "{}")
        self.doorbell = FakeDoorbell(self.pings)
        self.typesetter: TemplateRenderer = FakeTypesetter()
        self.warnings: list[str] = []
        self.replays = FakeReplays()
        self.email_sender: str | None = "lakehook@team.example"
        self.is_laptop = False
        self.deliveries = FakeOutbox()

    def desk(self, warn: Callable[[str], None] | None = None) -> CommandService:
        judge = ValidateEndpoint(
            self.network.resolve, self.opened, warn or self.warnings.append, self.email_sender
        )
        subscriptions, ledger, archive = self.subscriptions, self.ledger, self.archive
        wake = ResumeLanesGradually(ledger, self.clock)
        mint = SecretIssuer(CryptographySigningKeys(), self.sealer, self.clock, self.dice)
        count_replay = CountReplay(FakePast(self.journal), ledger, self.clock)
        replays = LookUpReplays(self.replays)
        return CommandService(
            clock=self.clock,
            find_subscription=FindSubscription(subscriptions),
            subscribe=Subscribe(
                judge, subscriptions, self.sealer, mint, self.clock, self.dice, self.typesetter
            ),
            test_endpoint=TestEndpoint(
                subscriptions, self.doorbell, self.pings, self.clock, self.dice
            ),
            update=UpdateSubscription(judge, subscriptions, self.sealer, wake, self.typesetter),
            preview=PreviewDelivery(RenderDelivery(self.typesetter), self.clock),
            rotate_secret=RotateSecret(subscriptions, mint, self.clock),
            unsubscribe=Unsubscribe(subscriptions, ledger, self.clock),
            pause=PauseSubscription(subscriptions, self.clock),
            resume=ResumeSubscription(subscriptions, wake),
            enable=EnableSubscription(subscriptions, self.healths, wake),
            find_dead_letters=FindDeadLetters(
                subscriptions,
                ledger,
                archive,
                FindMovedLetters(self.dead_letters, archive, warn or self.warnings.append),
            ),
            redrive=Redrive(subscriptions, self.redrives, self.dead_letters),
            discard=Discard(ledger, self.dead_letters, self.clock),
            show_status=ShowStatus(
                subscriptions,
                self.healths,
                ledger,
                ListPipelines(self.journal, self.clock),
                self.clock,
            ),
            list_lanes=ListLanes(subscriptions, ledger, self.healths, archive),
            list_deliveries=ListDeliveries(subscriptions, archive),
            explain=Explain(subscriptions, ledger, archive),
            show_pipeline=ShowPipeline(subscriptions, self.journal, archive),
            list_pipelines=ListPipelines(self.journal, self.clock),
            check_devlake=CheckDevLake(
                self.secrets,
                self.endpoint,
                self.heard,
                self.journal,
                self.reconciliations,
                lambda source: self.credentials,
                self.devlake.reach,
                self.clock,
                self.dice,
            ),
            devlake_sources=self.sources,
            ingress_url=INGRESS_URL,
            trigger=TriggerEvent(self.publisher.publish, self.deliveries, archive, self.clock),
            follow_events=FollowEvents(
                self.journal, self.journal, FakePast(self.journal), self.clock
            ),
            is_laptop=self.is_laptop,
            publish=self.publisher.publish,
            reconcile=Reconcile(
                self.devlake.reach, self.publisher.publish, self.clock, warn or self.warnings.append
            ),
            start_replay=StartReplay(
                self.replays,
                count_replay,
                self.clock,
                self.dice,
                warn or self.warnings.append,
                journal_keeps_seconds=30 * 86_400.0,
            ),
            count_replay=count_replay,
            replays=replays,
            follow_replay=FollowReplay(replays, self.clock),
            stop_replay=StopReplay(replays, self.clock),
            delete_stale_copies=DeleteStaleDlqCopies(archive, self.dead_letters),
        )
