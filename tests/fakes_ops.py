"""Stand-ins for what only the operator's command needs, and a desk made of them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from lakehook.domain.address import parse_networks
from lakehook.domain.event import Event
from lakehook.judge_endpoint import JudgeEndpoint
from lakehook.look_up import LookUp
from lakehook.subscribe import Amend, Subscribe
from lakehook.unsubscribe import Unsubscribe
from ops.desk import Desk
from tests.fakes import FakeClock, FakeDice, FakeLedger, FakeSubscriptions


class FakeSealer:
    """A sealed thing is no longer readable, and says for whom it was sealed."""

    def seal(self, plaintext: bytes, *, subscription_id: str) -> bytes:
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


class Office:
    """Everything behind a desk, for a test to look at."""

    def __init__(self, *, opened: Sequence[str] = ()) -> None:
        self.subscriptions, self.ledger = FakeSubscriptions(), FakeLedger()
        self.clock, self.dice, self.sealer = FakeClock(), FakeDice(), FakeSealer()
        self.network, self.publisher = FakeNetwork(), FakePublisher()
        self.opened = parse_networks(opened)
        self.warnings: list[str] = []

    def desk(self, warn: Callable[[str], None] | None = None) -> Desk:
        judge = JudgeEndpoint(self.network.resolve, self.opened, warn or self.warnings.append)
        return Desk(
            look_up=LookUp(self.subscriptions),
            subscribe=Subscribe(judge, self.subscriptions, self.sealer, self.clock, self.dice),
            amend=Amend(judge, self.subscriptions, self.sealer),
            unsubscribe=Unsubscribe(self.subscriptions, self.ledger, self.clock),
            publish=self.publisher.publish,
        )
