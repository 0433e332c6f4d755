"""Store of a queue's messages: delayed, available and in flight, in order of their groups.

Deduplication ids and receive attempts are kept for five minutes: a send that repeats an earlier one
is recognized, and a receive whose response was lost can be repeated.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/using-receiverequestattemptid-request-parameter.html
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/using-messagededuplicationid-property.html
"""

from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from heapq import heappop, heappush
from itertools import islice, takewhile
from math import inf
from typing import Generic, Protocol, TypeVar

from local.fifo.message import Message, Received, Sent, SqsError, StoredMessage, check_id

DAY = 86_400

Line = OrderedDict[int, StoredMessage]
"""Entries by sequence, oldest first; reading the first and removing any takes constant time."""

SECONDS = 300

Key = TypeVar("Key")
Value = TypeVar("Value")


class RedriveTarget(Protocol):
    def admit(self, entry: StoredMessage) -> None: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class RedrivePolicy:
    """Target of a message that was received ``max_receive_count`` times."""

    queue: RedriveTarget
    max_receive_count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class QueueSettings:
    """Queue attributes; times are in seconds."""

    visibility_timeout: float = 30
    delay: float = 0
    retention: float = 4 * DAY
    maximum_message_size: int = 1_048_576
    content_based_deduplication: bool = False
    deduplication_per_group: bool = False
    redrive: RedrivePolicy | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """Quotas of every FIFO queue; a test may make them small.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-fifo.html
    """

    in_flight: int = 120_000
    look_ahead: int = 120_000


class Groups:
    """Groups of messages; a group is free when its first message is visible.

    Only the first ``look_ahead`` messages of the queue are in sight; a group whose messages are all
    behind them is not found, even if it is free.
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/avoid-backlog-with-the-same-message-group-id.html
    """

    def __init__(self, look_ahead: int) -> None:
        self._look_ahead = look_ahead
        self._in_sight: Line = OrderedDict()
        self._out_of_sight: deque[StoredMessage] = deque()
        self._lines: dict[str, Line] = {}
        # Positions and sequences of entries that were free heads when added: a heap, possibly
        # stale.
        self._heads: list[tuple[int, int]] = []
        self._last_place = 0

    def __len__(self) -> int:
        return len(self._in_sight) + len(self._out_of_sight)

    def append(self, entry: StoredMessage) -> None:
        self._place_last(entry)
        self._out_of_sight.append(entry)
        self._look_further()

    def take_back(self, entry: StoredMessage) -> None:
        """Put an entry that came back behind everything that waits now, as SQS was seen to do."""
        self._place_last(entry)
        self._offer(entry)

    def remove(self, entry: StoredMessage) -> None:
        """Remove an entry that is in sight; the next of its group may become its head."""
        group_id, sequence = entry.message.group_id, entry.message.sequence
        line = self._lines[group_id]
        del line[sequence], self._in_sight[sequence]
        if line:
            self._offer(_first(line))
        else:
            del self._lines[group_id]
        self._look_further()

    def find(self, sequence: int) -> StoredMessage | None:
        return self._in_sight.get(sequence)

    def oldest(self) -> StoredMessage | None:
        return _first(self._in_sight) if self._in_sight else None

    def free_head(self) -> StoredMessage | None:
        """Return the head of the free group that is served next."""
        while self._heads:
            place, sequence = self._heads[0]
            entry = self._in_sight.get(sequence)
            if entry and entry.place == place and self._is_free_head(entry):
                return entry
            heappop(self._heads)
        return None

    def free_run(self, head: StoredMessage, limit: int) -> list[StoredMessage]:
        """Return the receivable messages of the head's group: up to the first invisible one."""
        line = self._lines[head.message.group_id]
        return list(islice(takewhile(_is_visible, line.values()), limit))

    def _place_last(self, entry: StoredMessage) -> None:
        self._last_place += 1
        entry.place = self._last_place

    def _offer(self, entry: StoredMessage) -> None:
        """Record an entry that may have become a free head."""
        if self._is_free_head(entry):
            heappush(self._heads, (entry.place, entry.message.sequence))

    def _is_free_head(self, entry: StoredMessage) -> bool:
        return entry.visible and _first(self._lines[entry.message.group_id]) is entry

    def _look_further(self) -> None:
        while self._out_of_sight and len(self._in_sight) < self._look_ahead:
            entry = self._out_of_sight.popleft()
            group_id, sequence = entry.message.group_id, entry.message.sequence
            self._in_sight[sequence] = entry
            self._lines.setdefault(group_id, OrderedDict())[sequence] = entry
            self._offer(entry)


class InFlight:
    """Messages in flight, with a heap of expiries, some of them stale after a change.

    A stale expiry is dropped when its time comes, so that a change needs no search.
    """

    def __init__(self) -> None:
        self._entries: dict[int, StoredMessage] = {}
        self._expiries: list[tuple[float, int]] = []

    def __len__(self) -> int:
        return len(self._entries)

    def hold(self, entry: StoredMessage, until: float) -> None:
        sequence = entry.message.sequence
        entry.invisible_until = until
        self._entries[sequence] = entry
        heappush(self._expiries, (until, sequence))

    def drop(self, entry: StoredMessage) -> None:
        entry.invisible_until = None
        self._entries.pop(entry.message.sequence, None)

    def expire(self, now: float) -> Iterator[StoredMessage]:
        """Yield and release every message whose timeout has expired."""
        while self._expiries and self._expiries[0][0] <= now:
            if self.next_expiry() <= now:
                entry = self._entries[self._expiries[0][1]]
                self.drop(entry)
                yield entry

    def next_expiry(self) -> float:
        """Return the time of the next expiry, or infinity."""
        while self._expiries:
            until, sequence = self._expiries[0]
            entry = self._entries.get(sequence)
            if entry and entry.invisible_until == until:
                return until
            heappop(self._expiries)
        return inf


@dataclass(frozen=True, slots=True)
class Counts:
    visible: int
    in_flight: int
    delayed: int


class MessageStore:
    """Messages of a queue. Delays end in the order of the sends, so groups keep their order.

    Time has an effect only when ``settle`` is called.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._delayed: deque[StoredMessage] = deque()
        self._groups = Groups(limits.look_ahead)
        self._in_flight = InFlight()
        self._oldest_sent_at = inf  # or earlier

    def settle(self, now: float, settings: QueueSettings) -> None:
        """End delays, visibility timeouts and retention.

        A changed delay applies to messages that are already delayed, as on a FIFO queue.
        """
        while self._delayed and self._delayed[0].message.sent_at + settings.delay <= now:
            self._groups.append(self._delayed.popleft())
        for entry in self._in_flight.expire(now):
            self._groups.take_back(entry)
        self._discard_sent_until(now - settings.retention)

    def add(self, entry: StoredMessage) -> None:
        self._delayed.append(entry)
        self._oldest_sent_at = min(self._oldest_sent_at, entry.message.sent_at)

    def remove(self, entry: StoredMessage) -> None:
        self._in_flight.drop(entry)
        self._groups.remove(entry)

    def hold(self, entry: StoredMessage, until: float) -> None:
        self._in_flight.hold(entry, until)

    def room_in_flight(self) -> int:
        return self._limits.in_flight - len(self._in_flight)

    def find(self, sequence: int) -> StoredMessage | None:
        return self._groups.find(sequence)

    def free_head(self) -> StoredMessage | None:
        return self._groups.free_head()

    def free_run(self, head: StoredMessage, limit: int) -> list[StoredMessage]:
        return self._groups.free_run(head, limit)

    def ready_at(self, settings: QueueSettings) -> float:
        """Return when a receive may next find something: now is minus infinity."""
        if self.room_in_flight() > 0 and self.free_head():
            return -inf
        end_of_delay = self._delayed[0].message.sent_at + settings.delay if self._delayed else inf
        return min(self._in_flight.next_expiry(), end_of_delay)

    def counts(self) -> Counts:
        in_flight = len(self._in_flight)
        return Counts(len(self._groups) - in_flight, in_flight, len(self._delayed))

    def _discard_sent_until(self, time: float) -> None:
        if time < self._oldest_sent_at:
            return
        while (oldest := self._groups.oldest()) and oldest.message.sent_at <= time:
            self.remove(oldest)
        while self._delayed and self._delayed[0].message.sent_at <= time:
            self._delayed.popleft()
        left = self._delayed[0] if self._delayed else None
        self._oldest_sent_at = min(
            (entry.message.sent_at for entry in (oldest, left) if entry), default=inf
        )


class ExpiringCache(Generic[Key, Value]):
    """Cache whose entries expire; each operation costs only as much as it removes."""

    def __init__(self) -> None:
        self._noted: OrderedDict[Key, tuple[float, Value]] = OrderedDict()

    def note(self, key: Key, value: Value, now: float) -> None:
        self._noted.pop(key, None)
        self._noted[key] = (now + SECONDS, value)

    def recall(self, key: Key, now: float) -> Value | None:
        self._forget(now)
        _, value = self._noted.get(key, (now, None))
        return value

    def _forget(self, now: float) -> None:
        while self._noted and next(iter(self._noted.values()))[0] <= now:
            self._noted.popitem(last=False)


@dataclass(slots=True)
class ReceiveAttempt:
    entries: list[StoredMessage]
    received: list[Received]
    until: float

    def is_untouched(self) -> bool:
        """Whether none of its messages was deleted, changed, or returned since."""
        return all(entry.invisible_until == self.until for entry in self.entries)

    def renew(self, stock: MessageStore, until: float) -> list[Received]:
        """Hold its messages again; it does not count as a further receive."""
        self.until = until
        for entry in self.entries:
            stock.hold(entry, until)
        return self.received


class ReceiveAttempts:
    def __init__(self) -> None:
        self._attempts: ExpiringCache[str, ReceiveAttempt] = ExpiringCache()

    def repeated(self, attempt_id: str | None, now: float) -> ReceiveAttempt | None:
        attempt = self._attempts.recall(attempt_id, now) if attempt_id else None
        return attempt if attempt and attempt.is_untouched() else None

    def note(self, attempt_id: str | None, attempt: ReceiveAttempt, now: float) -> None:
        if attempt_id and attempt.entries:
            self._attempts.note(attempt_id, attempt, now)


class Deduplication:
    """Deduplication for five minutes from the first send; duplicates and deletes don't matter."""

    def __init__(self) -> None:
        self._sent: ExpiringCache[tuple[str, str], Sent] = ExpiringCache()

    def earlier(self, message: Message, settings: QueueSettings) -> Sent | None:
        return self._sent.recall(_key(message, settings), message.sent_at)

    def note(self, message: Message, settings: QueueSettings) -> Sent:
        sent = Sent(message.id, message.sequence_number)
        self._sent.note(_key(message, settings), sent, message.sent_at)
        return sent


def _first(line: Line) -> StoredMessage:
    return next(iter(line.values()))


def _is_visible(entry: StoredMessage) -> bool:
    return entry.visible


def choose_id(chosen: str | None, body: str, settings: QueueSettings) -> str:
    """Return the given id, else one made of the body."""
    if chosen is not None:
        check_id("MessageDeduplicationId", chosen)
        return chosen
    if settings.content_based_deduplication:
        return sha256(body.encode()).hexdigest()
    raise SqsError(
        "InvalidParameterValue",
        "The queue should either have ContentBasedDeduplication enabled or "
        "MessageDeduplicationId provided explicitly",
    )


def _key(message: Message, settings: QueueSettings) -> tuple[str, str]:
    # A group id is never empty, so no group's ids collide with those of the whole queue.
    scope = message.group_id if settings.deduplication_per_group else ""
    return scope, message.deduplication_id
