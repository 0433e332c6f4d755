"""Fakes of what only the operator's command needs, and a stack that is made of fakes."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from lakehook.adapters.client_certificates import parse_client_certificate
from lakehook.adapters.signing_keys import CryptographySigningKeys
from lakehook.cli.context import CommandPorts, CommandService, build_command_service
from lakehook.domain.devlake.setup_check import EndpointAnswer, EndpointResponse
from lakehook.domain.devlake.signature import SignedNotification
from lakehook.domain.devlake.sources import NONE, DevLakeSources
from lakehook.domain.errors import InvalidSignature
from lakehook.domain.health_history import HealthChange
from lakehook.domain.lane import DeliveryRecord
from lakehook.domain.ssrf_policy import parse_networks
from lakehook.operations import OperatorPorts
from lakehook.ports.outbound import TemplateRenderer
from lakehook.ports.telemetry import DeliverySeries
from tests.devlake.port import FakeApiCredentials, FakeDevlake
from tests.fakes import (
    FakeClock,
    FakeDeadLetterQueue,
    FakeDeliveryQueue,
    FakeJournal,
    FakeLedger,
    FakeParkedEventQueue,
    FakeRandom,
    FakeSubscriptions,
    FakeTemplateRenderer,
)
from tests.fakes_ingress import FakeHeard, FakeNotificationSecrets, FakePublisher
from tests.fakes_reconcile import FakeReconciliations
from tests.fakes_replay import FakeReplayStore

SECRET = "the notification secret"
INGRESS_URL = "https://ingress.lambda-url.eu-central-1.on.aws/"


class FakeEncryptor:
    """Makes a plaintext unreadable, and names the subscription that it was encrypted for."""

    def encrypt(self, plaintext: bytes, *, subscription_id: str) -> bytes:
        return subscription_id.encode() + b":" + plaintext[::-1].hex().encode()

    def unseal(self, sealed: bytes, *, subscription_id: str) -> bytes:
        owner, _, plaintext = sealed.partition(b":")
        assert owner == subscription_id.encode(), "sealed for another subscription"
        return bytes.fromhex(plaintext.decode())[::-1]


@dataclass
class FakeNetwork:
    """A resolver that knows a few hosts."""

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
class FakeDeadLetterRedriver:
    sent: list[DeliveryRecord] = field(default_factory=list)

    def send(self, record: DeliveryRecord, *, endpoint: str) -> None:
        self.sent.append(record)


@dataclass
class FakeEndpoint:
    """An ingress, which checks the signature of a test notice as the real one does."""

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


@dataclass
class FakeHealthHistory:
    changes: list[HealthChange] = field(default_factory=list)

    def append(self, changes: Sequence[HealthChange]) -> None:
        self.changes += changes

    def since(self, at: float) -> Sequence[HealthChange]:
        return sorted((c for c in self.changes if c.at >= at), key=lambda change: change.at)


@dataclass
class FakeDeliveryMetrics:
    """Metrics of attempts, none by default."""

    at: Callable[[float], tuple[float, float, float | None, float | None]] = lambda _: (
        0.0,
        0.0,
        None,
        None,
    )
    error: Exception | None = None
    reads: list[tuple[float, float, int]] = field(default_factory=list)

    def read(self, *, start: float, end: float, period_seconds: int) -> DeliverySeries:
        self.reads.append((start, end, period_seconds))
        if self.error:
            raise self.error
        times = [start + n * period_seconds for n in range(int(end - start) // period_seconds)]
        delivered, failed, p50, p99 = zip(*map(self.at, times), strict=True)
        return DeliverySeries(
            times=times,
            delivered_a_minute=delivered,
            failed_a_minute=failed,
            p50_ms=p50,
            p99_ms=p99,
        )


class FakeStack:
    """Everything behind an operator's service, for a test to look at."""

    def __init__(self, *, opened: Sequence[str] = ()) -> None:
        self.clock, self.random, self.encryptor = FakeClock(), FakeRandom(), FakeEncryptor()
        self.subscriptions, self.ledger = FakeSubscriptions(), FakeLedger(clock=self.clock)
        self.healths = self.ledger.healths
        self.health_history, self.delivery_metrics = FakeHealthHistory(), FakeDeliveryMetrics()
        self.journal = FakeJournal(clock=self.clock)
        self.redriver, self.dead_letters = FakeDeadLetterRedriver(), FakeDeadLetterQueue()
        self.network, self.publisher = FakeNetwork(), FakePublisher()
        self.opened = parse_networks(opened)
        self.devlake, self.queue = FakeDevlake(), FakeDeliveryQueue()
        self.secrets, self.endpoint = FakeNotificationSecrets([SECRET]), FakeEndpoint(SECRET)
        self.heard, self.credentials = FakeHeard(self.clock), FakeApiCredentials()
        self.reconciliations = FakeReconciliations()
        self.sources = DevLakeSources.parse(NONE, NONE, "{}")
        self.renderer: TemplateRenderer = FakeTemplateRenderer()
        self.warnings: list[str] = []
        self.replays = FakeReplayStore()
        self.parked_events = FakeParkedEventQueue()
        self.email_sender: str | None = "lakehook@team.example"
        self.is_laptop = False

    def service(self, warn: Callable[[str], None] | None = None) -> CommandService:
        return build_command_service(
            CommandPorts(
                operator=self._operator_ports(warn or self.warnings.append),
                connect=self.devlake.reach,
                notification_secrets=self.secrets,
                api_credentials=lambda source: self.credentials,
                post_notice=self.endpoint,
                heard=self.heard,
                reconciliations=self.reconciliations,
                devlake_sources=self.sources,
                ingress_url=INGRESS_URL,
                is_laptop=self.is_laptop,
            )
        )

    def _operator_ports(self, warn: Callable[[str], None]) -> OperatorPorts:
        return OperatorPorts(
            clock=self.clock,
            random=self.random,
            publish=self.publisher.publish,
            subscriptions=self.subscriptions,
            ledger=self.ledger,
            endpoint_health=self.healths,
            health_history=self.health_history,
            delivery_metrics=self.delivery_metrics,
            journal=self.journal,
            replays=self.replays,
            pings=self.queue.pings,
            queue=self.queue,
            redriver=self.redriver,
            copies=self.dead_letters,
            parked_events=self.parked_events,
            encryptor=self.encryptor,
            signing_keys=CryptographySigningKeys(),
            parse_client_certificate=parse_client_certificate,
            renderer=self.renderer,
            resolve=self.network.resolve,
            warn=warn,
            allowed_networks=self.opened,
            email_sender=self.email_sender,
            journal_keeps_seconds=30 * 86_400.0,
        )
