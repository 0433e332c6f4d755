"""Judges a history once it has come to rest: as a whole, and lane by lane."""

import json
import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise, takewhile
from math import inf
from operator import attrgetter

from lakehook.domain.circuit_breaker import SLOW_MS
from lakehook.domain.delivery import Delivery, Lane, deduplication_id
from lakehook.domain.event import Event, EventType
from lakehook.domain.lane import MAX_UNFINISHED_ATTEMPTS, RESERVATION_SECONDS
from lakehook.domain.queue_message import decode
from lakehook.domain.replay import DeliveryFilter, ReplayState
from lakehook.domain.time import format_rfc3339
from local.fifo import FifoQueue, Message
from tests.simulation.case import LaneCase
from tests.simulation.history import Post
from tests.simulation.promises import PROMISES, SETTLED_SECONDS
from tests.simulation.scenario import Publication, Subscriber
from tests.simulation.system import System
from tests.simulation.wiring import DEAD, DEAD_EVENTS, DELIVERIES, EVENTS

RUNS = re.compile("(cr?e)*(cr?)?")  # created, running, an end; only the newest may have none
LETTERS = {EventType.PIPELINE_CREATED: "c", EventType.PIPELINE_RUNNING: "r"}
_began = attrgetter("began")
LATEST_SECONDS = RESERVATION_SECONDS + 15.0  # behind its place, and then slow to leave


@dataclass(frozen=True)
class Violation:
    what: str
    lane: str

    def __str__(self) -> str:
        return f"{self.lane or 'everywhere'}: {self.what}"


def judge(system: System) -> tuple[Violation, ...]:
    """Every promise that was broken."""
    letters, crashed = _letters(system), _peek(system, DEAD_EVENTS)
    found = [Violation(what, "") for what in _everywhere(system, crashed)]
    for case in _cases(system, letters, set(map(_event_key, crashed))):
        for promise in PROMISES:
            found += [Violation(what, case.name) for what in promise(case)]
    return tuple(found)


def _everywhere(system: System, crashed: Sequence[Message]) -> Iterator[str]:
    for surprise in system.history.surprises:
        yield f"an error that no one foresaw: {surprise}"
    for name in (EVENTS, DELIVERIES):
        counts = system.queues[name].counts()
        if counts.visible or counts.in_flight:
            yield f"something is left in {name}: {counts}"
    yield from chain.from_iterable(_unjust(system, message) for message in crashed)
    yield from _sources(system, crashed)
    yield from _replays(system)
    for subscriber in system.scenario.subscribers:
        yield from _hurry(system, subscriber)
        yield from _probes(system, subscriber)


def _sources(system: System, crashed: Sequence[Message]) -> Iterator[str]:
    """What was published is accepted, numbered, and told run by run."""
    lost = set(map(_event_key, crashed)) - _accepted(system)
    published = [
        one for one in system.scenario.publications if (one.pipeline, one.event_id) not in lost
    ]
    known = {(one.pipeline, one.event_id) for one in published}
    if known != (accepted := _accepted(system)):
        yield f"published and accepted differ: {known ^ accepted}"
    yield from _gaps(system)
    yield from _runs(system, published)


def _unjust(system: System, message: Message) -> Iterator[str]:
    """An event is quarantined if three workers have died of it, or may have, each alone with it."""
    announced = {deduplication_id(id_): by for id_, by in system.unfinished.announced.items()}
    workers = announced.get(message.deduplication_id, [])
    guilty = sum(one.is_dead or one.is_zombie or one.wrote_in_vain for one in workers)
    if guilty < MAX_UNFINISHED_ATTEMPTS:
        yield f"{_event_key(message)} is held to crash fan-out, and {guilty} of its workers did"


def _event_key(message: Message) -> tuple[str, str]:
    return message.group_id, json.loads(message.body)["event_id"]


def _hurry(system: System, subscriber: Subscriber) -> Iterator[str]:
    """More requests at one endpoint than its pace allows, each as late as one may be."""
    pace = subscriber.pace
    if pace is None:
        return
    times = sorted(post.began_at for post in _posts(system, subscriber))
    most = int((pace.seconds + LATEST_SECONDS) / pace.min_interval_seconds) + 1
    for first, last in zip(times, times[most:], strict=False):
        if last - first < pace.seconds:
            yield f"{subscriber.id} got {most + 1} requests in {last - first:.1f} s, at {pace}"


def _probes(system: System, subscriber: Subscriber) -> Iterator[str]:
    """One request at a time tries an endpoint that is down, where no fault holds one up."""
    posts = sorted(_posts(system, subscriber), key=_began)
    if {post.lane for post in posts} & system.history.tainted:
        return
    for begins, ends in _open_times(system.history.breakers[subscriber.id]):
        probes = [post for post in posts if begins + SETTLED_SECONDS < post.began_at < ends]
        for probe, following in pairwise(probes):
            if following.began_at < probe.ended_at:
                yield f"{subscriber.id} is down, and gets {following.id} beside {probe.id}"


def _open_times(changes: Sequence[tuple[float, bool]]) -> Iterator[tuple[float, float]]:
    for (at, is_open), (until, _) in pairwise([*changes, (inf, False)]):
        if is_open:
            yield at, until


def _accepted(system: System) -> set[tuple[str, str]]:
    events = system.journal.accepted_events.items()
    return {key for key, one in events if not one.event.is_inferred} | system.journal.aside.keys()


def _gaps(system: System) -> Iterator[str]:
    for pipeline, known in system.journal.pipelines.items():
        events = system.journal.events(pipeline)
        numbers = [event.sequenced.sequence for event in events]
        if numbers != list(range(1, known.sequence + 1)):
            yield f"pipeline {pipeline} has the sequences {numbers}"


def _runs(system: System, published: Sequence[Publication]) -> Iterator[str]:
    """Each run is told in order and to its end before the next, and by an end of its own."""
    for pipeline in system.journal.pipelines:
        told = [event.sequenced.event for event in system.journal.events(pipeline)]
        if not RUNS.fullmatch("".join(LETTERS.get(one.type, "e") for one in told)):
            yield f"pipeline {pipeline} is told {[str(one.type) for one in told]}"
        for one in told:
            if one.type not in LETTERS:
                yield from _ended_by_another(published, one)


def _ended_by_another(published: Sequence[Publication], end: Event) -> Iterator[str]:
    """What a pipeline says comes in its order, so the newest beginning before is the run's."""
    earlier = takewhile(
        lambda publication: publication.event_id != end.id,
        (publication for publication in published if publication.pipeline == end.pipeline_key),
    )
    beginnings = [format_rfc3339(one.began_at) for one in earlier if one.began_at]
    if end.began_at and end.began_at != max(beginnings, default=end.began_at):
        yield f"pipeline {end.pipeline_key} is ended by {end.id}, of an earlier beginning"


def _replays(system: System) -> Iterator[str]:
    for replay in system.replays.list_open():
        yield f"a replay goes on for ever: {replay}"
    for replay in system.replays.list_finished():
        if replay.failed:
            yield f"a replay has left something out: {replay}"


def _whole_replays(system: System, subscription: str) -> dict[str, int]:
    return {
        one.id: system.history.replays[one.id]
        for one in system.replays.list_finished()
        if one.subscription_id == subscription
        and (one.state, one.criteria.status) == (ReplayState.DONE, DeliveryFilter.ANY)
    }


def _letters(system: System) -> Mapping[Lane, set[int]]:
    letters: defaultdict[Lane, set[int]] = defaultdict(set)
    for one in (decode(message.body) for message in _peek(system, DEAD)):
        if isinstance(one, Delivery):
            letters[one.lane].add(one.sequence)
    return letters


def _peek(system: System, name: str) -> list[Message]:
    """What an operator finds on a queue; looked at, and left where it is."""
    queue, aside = system.queues[name], FifoQueue(system.timeline.now)
    messages = list(_moved(queue, aside))
    assert len(list(_moved(aside, queue))) == len(messages)
    return messages


def _moved(source: FifoQueue, destination: FifoQueue) -> Iterator[Message]:
    """A receive would not show more than ten of one lane."""
    while message := source.next_free():
        source.move(message, destination)
        yield message


def _cases(
    system: System, letters: Mapping[Lane, set[int]], crashed: Collection[tuple[str, str]]
) -> Iterator[LaneCase]:
    ledger, records = system.ledger, system.ledger.records
    for subscriber in system.scenario.subscribers:
        subscription = system.subscriptions.known[subscriber.id]
        whole_replays = _whole_replays(system, subscriber.id)
        for pipeline, known in system.journal.pipelines.items():
            lane = Lane(subscriber.id, pipeline)
            yield LaneCase(
                name=str(lane),
                subscriber=subscriber,
                ordering=subscription.ordering,
                history=system.history.lanes[str(lane)],
                records={n: records[lane, n] for n in ledger.sequences[lane]},
                events=known.sequence,
                is_tainted=bool({str(lane), pipeline} & system.history.tainted),
                is_undisturbed=_is_undisturbed(system, subscriber),
                is_blocked=subscription.is_blocked and not subscription.removed_at,
                is_removed=subscription.removed_at is not None,
                blocked=tuple(system.history.pauses[subscriber.id]),
                letters=frozenset(letters[lane]),
                crashed=frozenset(_crashed(system, pipeline, crashed)),
                whole_replays=whole_replays,
            )


def _is_undisturbed(system: System, subscriber: Subscriber) -> bool:
    """Whether nothing but the schedule decided when its deliveries were tried."""
    history, posts = system.history, _posts(system, subscriber)
    is_slow = any((post.ended_at or inf) - post.began_at > SLOW_MS / 1000 for post in posts)
    is_kept = history.breakers[subscriber.id] or subscriber.pace or system.scenario.acts
    return not (system.faults.injected or is_slow or is_kept or history.pauses[subscriber.id])


def _posts(system: System, subscriber: Subscriber) -> list[Post]:
    """The requests of all its lanes."""
    lanes = system.history.lanes.items()
    return [
        post for name, lane in lanes if name.startswith(f"{subscriber.id}#") for post in lane.posts
    ]


def _crashed(system: System, pipeline: str, crashed: Collection[tuple[str, str]]) -> Iterator[int]:
    """The sequences of its quarantined events, and of what was inferred from them."""
    for key in crashed:
        if key[0] == pipeline and key in system.journal.accepted_events:
            for one in (*system.journal.implied[key], system.journal.accepted_events[key]):
                yield one.sequence
