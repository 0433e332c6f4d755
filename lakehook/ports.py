"""The roles that the use cases need; adapters play them, and fakes in the tests.

Any of them may raise ``OwnTrouble``.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from lakehook.domain.channel import Content
from lakehook.domain.delivery import Delivery, Lane, NumberedEvent
from lakehook.domain.document import Document
from lakehook.domain.event import Event
from lakehook.domain.health import Health
from lakehook.domain.hidden import Hidden
from lakehook.domain.lane import DeliveryRecord, HeldLane
from lakehook.domain.lifecycle import Fate, Stage
from lakehook.domain.mail import Mail
from lakehook.domain.message import Resume
from lakehook.domain.outcome import Answer, Attempt, Outcome
from lakehook.domain.ping import Ping, Pong
from lakehook.domain.pipeline import Advance, Pipeline
from lakehook.domain.rate import Place
from lakehook.domain.request import Request
from lakehook.domain.secret import Signing
from lakehook.domain.signature import SigningKey, VerifyingKey
from lakehook.domain.subscription import Subscription
from lakehook.domain.template import Template, Typeset


class Clock(Protocol):
    def now(self) -> float:
        """Unix time in seconds."""

    def sleep(self, seconds: float) -> None:
        """Let so much time pass."""


class Dice(Protocol):
    def chance(self) -> float:
        """A number from 0 to 1, anew each time."""

    def token(self) -> str:
        """Letters and digits that nobody else will ever draw."""

    def key(self) -> bytes:
        """32 bytes nobody can guess."""


# --- fan-out ---


class Journal(Protocol):
    """Every event of every pipeline, once, with its sequence."""

    def open(self, event: Event) -> tuple[Pipeline, Sequence[NumberedEvent]]:
        """Where the event's pipeline stands; and the event itself if it is already in.

        It comes last then, after those that were inferred from it.
        """

    def append(self, advance: Advance) -> None:
        """Write counter and events together; ``OwnTrouble`` if the pipeline has moved on."""

    def set_aside(self, event: Event, fate: Fate) -> None:
        """Record a notice that is not sent, and why."""


class Subscriptions(Protocol):
    def all(self) -> Sequence[Subscription]:
        """Every subscription, removed ones too, as of now."""

    def find(self, subscription_id: str, *, anew: bool = False) -> Subscription | None:
        """One subscription, removed or not: as of a little earlier, or ``anew`` as of now."""

    def disable(self, subscription_id: str, reason: str) -> None:
        """Block it until an operator enables it; the first reason stands."""


class Registry(Subscriptions, Protocol):
    def save(self, subscription: Subscription) -> Subscription:
        """Write a subscription, and return it as it now stands; whoever reads sees it.

        ``ChangedMeanwhile`` when it is no longer of the version that was read.
        """


class Outbox(Protocol):
    def send(self, deliveries: Sequence[Delivery]) -> Collection[str]:
        """Put deliveries on their lanes, at most one of each lane; the ids that did not go."""


@dataclass(frozen=True)
class Notice:
    """A message of the events queue, as it came."""

    id: str
    group: str
    body: str


class Siding(Protocol):
    def park(self, notice: Notice, reason: str) -> None:
        """Put a bad message aside, whole, with the reason."""


# --- delivering ---


@dataclass(frozen=True)
class Parcel:
    """A message of the deliveries queue, as it came."""

    id: str
    group: str
    body: str
    receipt: str
    receives: int = 1
    redriven: bool = False


Remaining = Callable[[], float]
"""Seconds until the invocation that asks comes to its end."""


class Receipts(Protocol):
    """What may be done with messages we hold; a receipt that is no longer good is let be."""

    def acknowledge(self, parcels: Sequence[Parcel]) -> None:
        """Their work is done: they go, and their lanes go on."""

    def postpone(self, parcel: Parcel, *, seconds: float) -> None:
        """Let it come back after so long, in whole seconds, never earlier."""


@dataclass(frozen=True)
class Page:
    """What one consistent read of the ledger found."""

    lanes: Mapping[Lane, HeldLane]
    records: Mapping[tuple[Lane, int], DeliveryRecord]
    healths: Mapping[str, Health] = field(default_factory=dict)  # of those that are not well


@dataclass(frozen=True)
class Due:
    """A held lane whose time has come, and what that time was; or a subscription's breaker."""

    lane: Lane
    token: int
    breaker: bool = False


@dataclass(frozen=True, kw_only=True)
class Census:
    """How much waits, over all subscriptions."""

    lanes_held: int = 0
    held_since: float | None = None  # of the one that has been held longest
    breakers_open: int = 0


class Ledger(Protocol):
    """The deliveries and the lanes: the idempotency records, the attempt log, the waiting line."""

    def read(self, deliveries: Collection[Delivery], lanes: Collection[Lane]) -> Page:
        """Read consistently, in one call for a batch of up to 10 messages."""

    def write(
        self, record: DeliveryRecord, *, before: HeldLane | None, after: HeldLane | None
    ) -> DeliveryRecord:
        """Record a delivery and move its lane from ``before`` to ``after``, both or neither.

        The record as it now stands; ``LaneMoved`` when it is no longer of the version that was
        read, or the lane no longer as it was before. Only a success is written over whatever is
        there; on a lane that flows on it costs one plain write.
        """

    def move(self, before: HeldLane, after: HeldLane | None) -> None:
        """Move a lane alone; ``LaneMoved`` when it is no longer as it was before."""

    def waiting(self, lane: HeldLane) -> Iterator[DeliveryRecord]:
        """The head and those behind it that are not final, in order, read as they are needed."""

    def due(self, now: float) -> Iterator[Due]:
        """Held lanes whose due time has come, by an index that may lag behind."""

    def lease(self, due: Due, *, until: float) -> int | None:
        """Move a due time on, and return the token; nothing if it was moved meanwhile.

        Whoever was asleep is awake then.
        """

    def census(self) -> Census:
        """Count what is held, by an index that may lag behind."""

    def held_by(self, subscription_id: str) -> Iterator[HeldLane]:
        """Lanes in which something waits for this subscription, the longest held first.

        By an index that may lag behind, as ``dead_of``; what it names is read consistently.
        """

    def asleep(self, subscription_id: str) -> Iterator[HeldLane]:
        """Those of them that wait to be woken."""

    def dead_of(self, subscription_id: str) -> Iterator[DeliveryRecord]:
        """Its dead letters, also those whose lane has gone on."""


class Healths(Protocol):
    def find(self, subscription_id: str) -> Health:
        """The health of an endpoint as of now; that of a well one if there is no record."""

    def save(self, before: Health, after: Health) -> bool:
        """Write it, or forget it when all is well; false if it was written meanwhile."""


class Paces(Protocol):
    def reserve(self, name: str, *, every: float, latest: float) -> Place:
        """Take the next free place of a pace, unless it is later than ``latest``.

        Places are ``every`` seconds apart or more; of two who ask at once, each gets its own.
        """


@dataclass(frozen=True)
class NoAnswer:
    outcome: Outcome
    detail: str


class Receiver(Protocol):
    def post(self, request: Request | Mail) -> Answer | NoAnswer:
        """Send one request and nothing else: no redirect, no repeat, one deadline."""


@dataclass(frozen=True)
class Exchange:
    """One request, and what came back: read, and as it was."""

    attempt: Attempt
    body: bytes = field(default=b"", repr=False)


class Post(Protocol):
    def __call__(
        self, message_id: str, content: Content, subscription: Subscription, *, tell: bool = False
    ) -> Exchange:
        """Sign and send; ``tell`` keeps the start of what was said also of a success."""


class Typesetter(Protocol):
    """Sets templates. The same template gives the same for the same fields, wherever it is set."""

    def check(self, template: Template) -> None:
        """``BadSubscription`` names the part, the line, what is wrong there, what is allowed."""

    def set(self, template: Template, fields: Document) -> Typeset:
        """``TemplateFailed`` says why it gives nothing that could be sent."""


class Pings(Protocol):
    def record(self, ping: Ping, pong: Pong) -> None:
        """Keep what came of a ping, for a day."""

    def find(self, ping: Ping) -> Pong | None:
        """What came of it; none as long as nothing has."""


class Doorbell(Protocol):
    def ask(self, ping: Ping) -> None:
        """Have an endpoint pinged."""


class Keys(Hidden):
    """What a subscription keeps sealed, opened: never stored, never shown."""

    __slots__ = ("headers", "secrets", "url")

    def __init__(
        self,
        secrets: tuple[SigningKey, ...],
        headers: Mapping[str, str] | None = None,
        *,
        url: str | None = None,
    ) -> None:
        self.secrets = secrets
        self.url = url  # where the subscription does not say all of it
        self.headers: Mapping[str, str] = headers or {}


class Keyring(Protocol):
    def open(self, subscription: Subscription) -> Keys:
        """Open what the subscription keeps sealed; of its secrets, those that live as of now."""


class Sealer(Protocol):
    def seal(self, plaintext: bytes, *, subscription_id: str) -> bytes:
        """Encrypt so that only the sender can open it, and only for this subscription."""


class DeadLetters(Protocol):
    def bury(self, record: DeliveryRecord, *, endpoint: str) -> None:
        """Put a delivery on the dead-letter queue, as it was, with what an operator reads."""

    def park(self, parcel: Parcel, reason: str) -> None:
        """Put a message aside, whole, that is no delivery at all."""


class Redrives(Protocol):
    def send(self, letter: DeliveryRecord, *, endpoint: str) -> None:
        """Send a dead letter back to its lane, with the attributes that tell a redrive."""


class LetterCopies(Protocol):
    """What the dead-letter queue shows an operator's console; the ledger alone knows all."""

    def remove(self, letters: Collection[DeliveryRecord]) -> int:
        """Take letters off the queue, as far as they are found there; how many were."""


# --- explaining ---


class Archive(Protocol):
    """The ledger as people read it: what became of every delivery."""

    def find(self, lane: Lane, sequence: int) -> DeliveryRecord | None:
        """One delivery, consistently."""

    def of_lane(self, lane: Lane) -> Iterator[DeliveryRecord]:
        """Every delivery of a lane that is still known, the highest sequence first."""

    def of_subscription(
        self, subscription_id: str | None, *, seen: Callable[[int], None]
    ) -> Iterator[DeliveryRecord]:
        """Every delivery of a subscription, or of all, in no order.

        All of the ledger is read for it, page by page; ``seen`` is told how much each page held.
        """

    def behind(self, held: HeldLane) -> int:
        """How many wait behind the head of a held lane."""


@dataclass(frozen=True)
class Accepted:
    """An event of a pipeline, and when it was accepted."""

    numbered: NumberedEvent
    at: float


@dataclass(frozen=True)
class SetAside:
    """A notice of a pipeline that was not sent, why, and when it came."""

    event: Event
    fate: Fate
    at: float


class Chronicle(Protocol):
    def history(self, pipeline_id: str) -> Sequence[Accepted]:
        """The events of a pipeline that are still kept, in the order of their sequence."""

    def unsent(self, pipeline_id: str) -> Sequence[SetAside]:
        """Its notices that were not sent and are still kept, in the order in which they came."""


class Watch(Protocol):
    """Pipelines that have not ended, by an index that may lag behind."""

    def unended(self, stage: Stage, *, until: float, stalled: bool = False) -> Iterator[Pipeline]:
        """Those in this state since ``until`` or longer, the longest first; read as needed.

        Either those of which a stall was told, or those of which none was.
        """

    def lease(self, pipeline: Pipeline, *, until: float) -> bool:
        """Keep other clocks from telling its stall for so long; false if it is theirs, or over."""


# --- subscribing ---


class Keysmith(Protocol):
    """Makes keys of either kind. What it refuses is ``BadInput`` and not repeated."""

    def make(self, signing: Signing, seed: bytes) -> SigningKey:
        """A new one of 32 bytes that nobody can guess."""

    def read(self, text: str) -> SigningKey:
        """One that somebody brings: ``whsec_…`` or ``whsk_…``."""

    def restore(self, signing: Signing, key: bytes) -> SigningKey:
        """One as it was sealed."""

    def verifying(self, text: str) -> VerifyingKey:
        """What verifies: a shared secret, or either half of an ed25519 key."""


Resolve = Callable[[str, int], Sequence[str]]
"""Every address of a host and port; ``OSError`` when it has none."""

Warn = Callable[[str], None]
"""Tell the operator of what is allowed and yet may be a mistake."""


# --- waking ---


class Bell(Protocol):
    def ring(self, resumes: Sequence[Resume]) -> Collection[Lane]:
        """Send word to lanes that they may go on; those that could not be told."""


# --- reconciling ---


class Publish(Protocol):
    def __call__(
        self, events: Iterable[Event], *, sent: Callable[[int], None] | None = None
    ) -> int:
        """Send events; how many. ``sent`` is told of each batch."""


class DevlakePipelines(Protocol):
    """What DevLake shows by its REST API: ``DevlakeAway``, or ``BadInput`` if it never will."""

    def page(self, number: int) -> Sequence[Document]:
        """Pipelines as they are now, the newest on page 1; none on what is behind the last."""

    def project_of(self, blueprint_id: int) -> str:
        """The project's name; empty if the blueprint has none, or is gone."""


# --- telling ---


class Telemetry(Protocol):
    """One canonical line per event and per attempt; never a secret, a signature or a body."""

    def fanned_out(self, numbered: NumberedEvent, *, deliveries: int, repeated: bool) -> None: ...

    def set_aside(self, event: Event, fate: Fate) -> None: ...

    def parked(self, message_id: str, group: str, reason: str) -> None: ...

    def attempted(self, record: DeliveryRecord, *, next_at: float | None) -> None: ...

    def discarded(self, record: DeliveryRecord) -> None: ...

    def buried(self, record: DeliveryRecord) -> None: ...

    def disabled(self, subscription_id: str, reason: str) -> None: ...

    def counted(self, census: Census, *, now: float) -> None: ...

    def trouble(self, error: Exception, *, doing: str) -> None: ...
