"""What a search sees of the tables, queues and receivers, and of what the oracle will judge by.

Everything is hashed by its content, so it does not matter how it came about. Records, messages and
items are never changed in place: the hash of each is computed once, and kept with it.
"""

from collections.abc import Callable, Collection, Iterator
from typing import Any

from lakehook.domain.errors import LaneConflict
from lakehook.domain.lane import DeliveryRecord
from local.fifo import FifoQueue
from tests.simulation.history import Entry, LaneHistory, Post
from tests.simulation.steps import HEALTHS, SQS, Object, Step
from tests.simulation.system import System


class Contents:
    """The world beside its tasks. Ids of messages do not matter, and are left out."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._hashes: dict[int, tuple[object, int]] = {}
        self._of: dict[Object, Callable[[], int]] = {
            ("ledger",): self._ledger,
            HEALTHS: self._healths,
            SQS: self._queues,
            ("receiver",): self._receivers,
            ("subscriptions",): self._subscriptions,
            ("replays",): self._replays,
            ("journal",): self._journal,
            ("unfinished",): self._unfinished,
            ("keyring",): lambda: 0,
        }

    def seen_by(self, step: Step) -> int:
        """What a call depends on; of a request, also which one of its lane it is."""
        return hash(tuple(map(self._seen, step.about)))

    def has_script(self) -> bool:
        """Whether it matters which request comes first, as a receiver says something else next."""
        receivers = self._system.receivers.values()
        return any(receiver.script for receiver in receivers)  # type: ignore[attr-defined]

    def number_of(self, step: Step) -> object:
        """How many records have been written in the lanes of a call."""
        lanes = self._system.history.lanes
        return tuple(len(lanes[str(thing[1])].entries) for thing in step.about if len(thing) > 1)

    def learned(self, step: Step, number: object, answer: Any) -> int:
        """The answer to a call, and which record of its lane it has written, if any."""
        assert not isinstance(answer, Iterator), f"{step.call} is not done when it has answered"
        now = self.number_of(step)
        place = now if now != number else None
        if isinstance(answer, Post):
            answer = answer.sequence, answer.answer
        elif isinstance(answer, LaneConflict):
            answer = LaneConflict  # whoever hears of it does not read more
        return hash((place, repr(answer)))

    def all(self) -> int:
        """Everything: what calls can see, and what the oracle sees."""
        system = self._system
        history, lanes = system.history, system.history.lanes
        judged = (
            tuple((name, self._lane_history(lanes[name])) for name in sorted(lanes)),
            tuple(sorted(history.tainted)),
            tuple(history.surprises),
            tuple(history.disabled.items()),
            str((dict(history.breakers), dict(history.pauses))),
            bool(system.faults.injected),
        )
        return hash(
            (judged, system.random_port._drawn, *(content() for content in self._of.values()))
        )

    def _seen(self, thing: Object) -> int:
        if len(thing) == 1:
            return self._of[thing]()
        return len(self._system.history.lanes[str(thing[1])].posts)

    # --- tables, queues, receivers ---

    def _ledger(self) -> int:
        """All lanes and records, in the order in which a query finds them."""
        ledger = self._system.ledger
        held = tuple(map(self._kept, ledger.lanes.values()))
        return hash((held, tuple(map(self._record, ledger.records.values()))))

    def _healths(self) -> int:
        healths = self._system.ledger.healths
        return hash((*map(self._kept, healths.by_subscription.values()), *healths.leases.items()))

    def _subscriptions(self) -> int:
        return hash(tuple(map(self._kept, self._system.subscriptions.by_id.values())))

    def _replays(self) -> int:
        replays = self._system.replays
        known = (*replays.by_subscription.values(), None, *replays.over)
        return hash(tuple(map(self._kept, known)))

    def _receivers(self) -> int:
        """How many answers are left of each script."""
        receivers = self._system.receivers.values()
        return hash(tuple(len(receiver.script) for receiver in receivers))  # type: ignore[attr-defined]

    def _journal(self) -> int:
        items = self._system.dynamodb.items
        return hash(tuple((key, self._kept(items[key], repr)) for key in sorted(items)))

    def _unfinished(self) -> int:
        unfinished = self._system.unfinished
        announced = (
            (key, *map(_flags, workers)) for key, workers in sorted(unfinished.announced.items())
        )
        return hash((tuple(sorted(unfinished.numbers.items())), *announced))

    def _queues(self) -> int:
        """The queues, and who polls them."""
        system = self._system
        pollers = ((source.running, source.polls_at) for source in system.sources.values())
        return hash((*map(self._queue, system.queues.values()), *pollers))

    def _queue(self, queue: FifoQueue) -> int:
        stock, sent = queue._stock, queue._deduplication._sent
        entries = [*stock._groups._in_sight.values(), *stock._delayed]
        entries.sort(key=lambda entry: entry.place)
        return hash(
            (
                queue._last_sequence,
                frozenset((key, until) for key, (until, _) in sent._noted.items()),
                *(
                    (
                        self._kept(entry.message, _message),
                        entry.receive_count,
                        entry.first_received_at,
                        entry.invisible_until,
                    )
                    for entry in entries
                ),
            )
        )

    # --- what has happened in a lane ---

    def _lane_history(self, lane: LaneHistory) -> int:
        """Requests, records, redrives and replays of a lane, in their order."""
        happened = [*self._posts(lane), *self._entries(lane)]
        happened += [*self._marks(lane, {number for number, _ in happened})]
        return hash(tuple(what for _, what in sorted(happened)))

    def _posts(self, lane: LaneHistory) -> Iterator[tuple[int, int]]:
        for post in lane.posts:
            times = (post.began_at, post.ended_at, post.answered_at)
            yield post.began, hash((self._kept(post, _request), times))
            if post.ended is not None:
                yield post.ended, hash(("answer to", post.sequence, self._kept(post.answer, repr)))

    def _entries(self, lane: LaneHistory) -> Iterator[tuple[int, int]]:
        """Each record with its writer: the how manieth of the lane's, and what became of it."""
        writers: list[object] = []
        for entry in lane.entries:
            known = (n for n, writer in enumerate(writers) if writer is entry.by)
            writer = next(known, len(writers))
            if writer == len(writers):
                writers.append(entry.by)
            yield entry.number, hash((writer, _flags(entry.by), self._kept(entry, self._entry)))

    def _entry(self, entry: Entry) -> object:
        return self._record(entry.record), entry.at, entry.was_charged, entry.replayed

    def _marks(self, lane: LaneHistory, taken: Collection[int]) -> Iterator[tuple[int, int]]:
        """Marks, and whether each has a number that is another's, too."""
        yield from ((number, hash("woken")) for number in lane.resumed_early)
        for redriven in lane.redrives:
            known = redriven.sequence, redriven.attempts, redriven.number in taken
            yield redriven.number, hash(known)
        for name, at in self._system.history.replays.items():
            yield at, hash((name, at in taken))

    # --- what never changes ---

    def _record(self, record: DeliveryRecord) -> int:
        return self._kept(record, self._fields)

    def _fields(self, record: DeliveryRecord) -> object:
        return (
            record.sequence,
            record.status,
            record.attempts,
            record.attempts_log,
            record.attempts_started,
            record.reason,
            record.replayed_by,
            self._kept(record.delivery, repr),
            record.version,
            record.changed_at,
        )

    def _kept(self, what: Any, content: Callable[[Any], object] = lambda what: what) -> int:
        """The hash of something that is not changed in place, computed when it is first met."""
        if what is None:
            return 0
        if (kept := self._hashes.get(id(what))) is None:
            kept = self._hashes[id(what)] = what, hash(content(what))
        return kept[1]


def _message(message: Any) -> object:
    return message.sequence, message.body, message.group_id, repr(message.attributes)


def _request(post: Post) -> object:
    return (
        post.sequence,
        post.id,
        post.late,
        post.replayed,
        post.body,
        post.event,
        post.sent_at,
        post.is_signed,
    )


def _flags(worker: Any) -> object:
    return worker and (worker.is_dead, worker.is_zombie, worker.wrote_in_vain)
