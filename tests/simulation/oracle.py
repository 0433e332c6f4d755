"""What must be true of a history once it has come to rest: the promises, one by one."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from lakehook.domain.delivery import Delivery, Lane
from lakehook.domain.lane import DeliveryRecord, Status
from lakehook.domain.message import decode
from lakehook.domain.retry import LONGEST_HINT_SECONDS
from lakehook.domain.subscription import Ordering
from local.fifo import FifoQueue, Message
from tests.simulation.history import Entry, LaneHistory, Post
from tests.simulation.scenario import Subscriber
from tests.simulation.system import System
from tests.simulation.wiring import DEAD, DEAD_EVENTS, DELIVERIES, EVENTS

MILLISECOND = 0.001  # what an attempt's duration is rounded to


@dataclass(frozen=True)
class Violation:
    what: str
    lane: str

    def __str__(self) -> str:
        return f"{self.lane or 'everywhere'}: {self.what}"


@dataclass(frozen=True)
class LaneCase:
    """All that is known of one lane, at the end."""

    name: str
    subscriber: Subscriber
    history: LaneHistory
    records: dict[int, DeliveryRecord]
    events: int  # of its pipeline, in the journal
    is_tainted: bool
    is_blocked: bool
    letters: frozenset[int]  # on the dead-letter queue

    def entries(self, sequence: int) -> list[Entry]:
        return [one for one in self.history.entries if one.record.sequence == sequence]

    def posts(self, sequence: int) -> list[Post]:
        return [one for one in self.history.posts if one.sequence == sequence]

    def status(self, sequence: int, *, at: int) -> Status | None:
        """As recorded when so much had happened."""
        known = [one for one in self.entries(sequence) if one.number < at]
        return known[-1].record.status if known else None

    def has_died(self, sequence: int, *, at: int) -> bool:
        return any(
            one.record.status is Status.DEAD for one in self.entries(sequence) if one.number < at
        )


def judge(system: System) -> tuple[Violation, ...]:
    """Every promise that was broken."""
    letters = _letters(system)
    found = [Violation(what, "") for what in _everywhere(system)]
    for case in _cases(system, letters):
        for check in CHECKS:
            found += [Violation(what, case.name) for what in check(case)]
    return tuple(found)


def _everywhere(system: System) -> Iterator[str]:
    for surprise in system.history.surprises:
        yield f"an error that no one foresaw: {surprise}"
    for name in (EVENTS, DELIVERIES, DEAD_EVENTS):
        counts = system.queues[name].counts()
        if counts.visible or counts.in_flight:
            yield f"something is left in {name}: {counts}"
    published = {(one.pipeline, one.event_id) for one in system.scenario.publications}
    if published != system.journal.events.keys():
        yield f"published and accepted differ: {published ^ system.journal.events.keys()}"
    yield from _gaps(system)


def _gaps(system: System) -> Iterator[str]:
    for pipeline, known in system.journal.pipelines.items():
        events = system.journal.history(pipeline)
        numbers = [one.numbered.sequence for one in events]
        if numbers != list(range(1, known.sequence + 1)):
            yield f"pipeline {pipeline} has the sequences {numbers}"


def _letters(system: System) -> set[tuple[Lane, int]]:
    """What an operator finds on the dead-letter queue; looked at, and left where it is."""
    queue, aside = system.queues[DEAD], FifoQueue(system.timeline.now)
    messages = [decode(one.body) for one in _moved(queue, aside)]
    assert len(list(_moved(aside, queue))) == len(messages)
    return {(one.lane, one.sequence) for one in messages if isinstance(one, Delivery)}


def _moved(source: FifoQueue, destination: FifoQueue) -> Iterator[Message]:
    """A receive would not show more than ten of one lane."""
    while message := source.next_free():
        source.move(message, destination)
        yield message


def _cases(system: System, letters: set[tuple[Lane, int]]) -> Iterator[LaneCase]:
    for subscriber in system.scenario.subscribers:
        blocked = system.subscriptions.known[subscriber.id].is_blocked
        for pipeline, known in system.journal.pipelines.items():
            lane = Lane(subscriber.id, pipeline)
            yield LaneCase(
                name=str(lane),
                subscriber=subscriber,
                history=system.history.lanes[str(lane)],
                records={n: r for (of, n), r in system.ledger.records.items() if of == lane},
                events=known.sequence,
                is_tainted=bool({str(lane), pipeline} & system.history.tainted),
                is_blocked=blocked,
                letters=frozenset(n for of, n in letters if of == lane),
            )


# --- the promises about one lane ---


def in_order(case: LaneCase) -> Iterator[str]:
    """Whatever is sent, all before it is done with; under ``skip`` a dead letter is, too."""
    skips = case.subscriber.ordering is Ordering.SKIP
    for post in case.history.posts:
        for earlier in range(1, post.sequence):
            status = case.status(earlier, at=post.began)
            gone_by = skips and case.has_died(earlier, at=post.began)
            if not (status and status.is_final) and not gone_by:
                yield f"#{post.sequence} was sent when #{earlier} was {status}"


def first_arrivals(case: LaneCase) -> Iterator[str]:
    highest = 0
    for sequence in dict.fromkeys(one.sequence for one in case.history.posts if not one.late):
        if sequence < highest:
            yield f"#{sequence} first came after #{highest}"
        highest = max(highest, sequence)


def nothing_lost(case: LaneCase) -> Iterator[str]:
    waits_for_an_operator = case.is_blocked
    for sequence in range(1, case.events + 1):
        record = case.records.get(sequence)
        if record and record.status is Status.DEAD:
            waits_for_an_operator |= case.subscriber.ordering is Ordering.STRICT
        if not record or (record.status is Status.WAITING and not waits_for_an_operator):
            yield f"#{sequence} is lost: {record}"
        elif not _is_true(case, record):
            yield f"#{sequence} is said to be {record.status}, and is not"


def _is_true(case: LaneCase, record: DeliveryRecord) -> bool:
    """A delivered one was taken by its receiver, a dead one has a letter on the queue."""
    if record.status is Status.DEAD:
        return record.sequence in case.letters
    if record.status is Status.DELIVERED:
        return any(one.said == "200" for one in case.posts(record.sequence))
    return record.status is Status.WAITING


def not_after_success(case: LaneCase) -> Iterator[str]:
    for post in case.history.posts:
        status = case.status(post.sequence, at=post.began)
        if status and status.is_final:
            yield f"#{post.sequence} was sent although recorded {status}"
    for before, after in _steps(case):
        if before.record.status.is_final and not after.record.status.is_final:
            yield f"#{after.record.sequence} was recorded {after.record.status} after its success"


def known_by_its_id(case: LaneCase) -> Iterator[str]:
    for post in case.history.posts:
        if post.id != f"{case.name}#{post.sequence}":
            yield f"#{post.sequence} was sent as {post.id}"
    for sequence in case.records:
        bodies = {one.body for one in case.posts(sequence) if not one.late}
        if len(bodies) > 1:
            yield f"#{sequence} was sent in {len(bodies)} versions"


def one_at_a_time(case: LaneCase) -> Iterator[str]:
    posts = case.history.posts
    for earlier, later in pairwise(posts):
        if earlier.ended is None or later.began < earlier.ended:
            yield f"#{earlier.sequence} was open when #{later.sequence} was sent"


def budgets(case: LaneCase) -> Iterator[str]:
    """A delivery dies of its last attempt, neither sooner nor later, or because it crashes."""
    for sequence in case.records:
        for step in _life(case, sequence):
            if step.entry.record.status is Status.DEAD:
                renewed = _has_revived(case, since=step.began, until=step.entry.number)
                yield from _death(case, step.entry.record, step.spent, renewed=renewed)


def _death(case: LaneCase, record: DeliveryRecord, spent: int, *, renewed: bool) -> Iterator[str]:
    budget = case.subscriber.budget
    if record.reason == "crashed":
        if record.announced < 3:
            yield f"#{record.sequence} is held to crash after {record.announced} announcements"
        if not case.is_tainted:
            yield f"#{record.sequence} is held to crash, and nothing has gone wrong"
    elif spent < budget or (spent > budget and not renewed):
        yield f"#{record.sequence} died after {spent} attempts, not {budget}"


def waits(case: LaneCase) -> Iterator[str]:
    """No attempt sooner than the schedule and the receiver allow, unless somebody woke the lane."""
    for sequence in case.records:
        for step in _life(case, sequence):
            began = (one for one in case.posts(sequence) if one.began > step.entry.number)
            following = next(began, None)
            if following and step.has_failed:
                yield from _too_early(case, step, following)


def _too_early(case: LaneCase, step: "Step", following: Post) -> Iterator[str]:
    last = step.entry.record.log[-1]
    delays = case.subscriber.delays
    delay = delays[step.spent - 1] if step.spent <= len(delays) else 0.0
    least = max(delay, min(last.retry_after or 0.0, LONGEST_HINT_SECONDS))
    waited = following.began_at - last.at - last.milliseconds / 1000
    woken = any(step.entry.number < one < following.began for one in case.history.woken)
    excused = woken or _has_revived(case, since=step.began, until=following.began)
    if waited < least - MILLISECOND and not excused:
        yield f"#{following.sequence} was sent again after {waited:.3f} s, not {least:.3f} s"


def no_needless_repeat(case: LaneCase) -> Iterator[str]:
    """In a lane that no fault has touched, every request is one recorded attempt."""
    if case.is_tainted:
        return
    for sequence, record in case.records.items():
        if len(case.posts(sequence)) != record.attempts:
            yield f"#{sequence}: {len(case.posts(sequence))} requests, {record.attempts} recorded"


@dataclass(frozen=True)
class Step:
    """One write of a delivery's record, seen in the life it belongs to: each redrive begins one."""

    entry: Entry
    began: int  # when its life did
    spent: int  # attempts recorded in this life
    has_failed: bool  # it records an attempt, and there is another to come


def _life(case: LaneCase, sequence: int) -> Iterator[Step]:
    began = spent = attempts = 0
    previous: Status | None = None
    for entry in case.entries(sequence):
        record = entry.record
        if previous is Status.DEAD and record.status is Status.WAITING:
            began, spent = entry.number, 0
        tried = record.attempts > attempts
        spent += tried
        yield Step(entry, began, spent, tried and record.status is Status.WAITING)
        previous, attempts = record.status, record.attempts


def _has_revived(case: LaneCase, *, since: int, until: int) -> bool:
    """Whether a letter of the lane came to life: what it overtakes begins its budget anew."""
    return any(
        since < after.number < until
        and before.record.status is Status.DEAD
        and after.record.status is Status.WAITING
        for before, after in _steps(case)
    )


def _steps(case: LaneCase) -> Iterator[tuple[Entry, Entry]]:
    for sequence in case.records:
        yield from pairwise(case.entries(sequence))


CHECKS = (
    in_order,
    first_arrivals,
    nothing_lost,
    not_after_success,
    known_by_its_id,
    one_at_a_time,
    budgets,
    waits,
    no_needless_repeat,
)
