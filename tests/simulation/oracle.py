"""Judge of a history once it has come to rest: as a whole, and lane by lane."""

import json
import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from math import inf
from operator import attrgetter
from typing import TYPE_CHECKING

from local.fifo import FifoQueue, Message
from tests.simulation.case import LaneCase
from tests.simulation.history import Post
from tests.simulation.promises import PROMISES, SETTLED_SECONDS
from tests.simulation.rules import (
    LATE_SEND_SECONDS,
    MAX_CRASHES,
    SLOW_SECONDS,
    is_blocked,
    letter_of,
    rate,
)
from tests.simulation.runs import CREATED, RUNNING, Report, to_reports
from tests.simulation.scenario import Publication, Subscriber
from tests.simulation.system import System
from tests.simulation.wiring import DEAD, DEAD_EVENTS, DELIVERIES, EVENTS

if TYPE_CHECKING:
    from lakehook.domain.lane import DeliveryRecord

RUNS = re.compile("(cr?e)*(cr?)?")  # created, running, an end; only the newest may have none
LETTERS = {CREATED: "c", RUNNING: "r"}
_began = attrgetter("began")
Reports = Sequence[Report] | None


@dataclass(frozen=True)
class Violation:
    description: str
    lane: str

    def __str__(self) -> str:
        return f"{self.lane or 'everywhere'}: {self.description}"


def judge(system: System) -> tuple[Violation, ...]:
    """Return every promise that was broken."""
    letters, crashed = _letters(system), _peek(system, DEAD_EVENTS)
    reports = _reports(system, set(map(_event_key, crashed)))
    violations = [Violation(broken, "") for broken in _everywhere(system, crashed, reports)]
    for case in _cases(system, letters, set(map(_event_key, crashed)), reports):
        for promise in PROMISES:
            violations += [Violation(broken, case.name) for broken in promise(case)]
    return tuple(violations)


def _everywhere(
    system: System, crashed: Sequence[Message], reports: Mapping[str, Reports]
) -> Iterator[str]:
    for surprise in system.history.surprises:
        yield f"an error that no one foresaw: {surprise}"
    for name in (EVENTS, DELIVERIES):
        counts = system.queues[name].counts()
        if counts.visible or counts.in_flight:
            yield f"something is left in {name}: {counts}"
    yield from chain.from_iterable(_unjust(system, message) for message in crashed)
    yield from _sources(system, crashed, reports)
    yield from _replays(system)
    for subscriber in system.scenario.subscribers:
        yield from _hurry(system, subscriber)
        yield from _probes(system, subscriber)


def _sources(
    system: System, crashed: Sequence[Message], reports: Mapping[str, Reports]
) -> Iterator[str]:
    """Check that what was published is accepted, numbered, and reported run by run."""
    accepted = _accepted(system)
    lost = set(map(_event_key, crashed)) - accepted
    publications = system.scenario.publications
    published = {
        (publication.pipeline, publication.event_id) for publication in publications
    } - lost
    if published != accepted:
        yield f"published and accepted differ: {published ^ accepted}"
    yield from _gaps(system)
    for pipeline in system.journal.pipelines:
        yield from _runs(pipeline, _reported(system, pipeline), reports[pipeline])


def _reports(system: System, crashed: Collection[tuple[str, str]]) -> Mapping[str, Reports]:
    """Derive what must be reported of each pipeline.

    An event that was quarantined, and sent after all by a worker that was frozen, comes in an
    order that nobody can tell: then its runs alone are judged, and that nothing is missing.
    """
    published: defaultdict[str, list[Publication]] = defaultdict(list)
    accepted, disordered = _accepted(system), set[str]()
    for publication in system.scenario.publications:
        key = (publication.pipeline, publication.event_id)
        if key not in crashed:
            published[publication.pipeline].append(publication)
        elif key in accepted:
            disordered.add(publication.pipeline)
    keys = system.journal.pipelines
    return {key: None if key in disordered else to_reports(published[key]) for key in keys}


def _reported(system: System, pipeline: str) -> list[Report]:
    events = (event.sequenced.event for event in system.journal.events(pipeline))
    return [Report(str(event.type), "" if event.is_inferred else event.id) for event in events]


def _unjust(system: System, message: Message) -> Iterator[str]:
    """Check that three workers died of a quarantined event, or may have, each alone with it."""
    key = _event_key(message)
    guilty = max(
        (
            sum(worker.is_dead or worker.is_zombie or worker.wrote_in_vain for worker in workers)
            for (_, group, body), workers in system.unfinished.announced.items()
            if (group, json.loads(body)["event_id"]) == key
        ),
        default=0,
    )
    if guilty < MAX_CRASHES:
        yield f"{key} is held to crash fan-out, and {guilty} of its workers did"


def _event_key(message: Message) -> tuple[str, str]:
    return message.group_id, json.loads(message.body)["event_id"]


def _hurry(system: System, subscriber: Subscriber) -> Iterator[str]:
    """Find more requests at one endpoint than its rate allows, each as late as allowed."""
    if subscriber.pace is None:
        return
    count, seconds = rate(str(subscriber.pace))
    most = int(count * (seconds + LATE_SEND_SECONDS) / seconds) + 1
    times = sorted(post.began_at for post in _posts(system, subscriber))
    for first, last in zip(times, times[most:], strict=False):
        if last - first < seconds:
            within = f"{last - first:.1f} s, at {count} in {seconds:g} s"
            yield f"{subscriber.id} got {most + 1} requests in {within}"


def _probes(system: System, subscriber: Subscriber) -> Iterator[str]:
    """Find two probes at once of an endpoint that is down, where no fault delays any."""
    tainted = system.history.tainted
    posts = [post for post in _posts(system, subscriber) if post.lane not in tainted]
    posts.sort(key=_began)
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
    accepted = {key for key, sequenced in events if not sequenced.event.is_inferred}
    return accepted | system.journal.skips.keys()


def _gaps(system: System) -> Iterator[str]:
    for pipeline, state in system.journal.pipelines.items():
        events = system.journal.events(pipeline)
        numbers = [event.sequenced.sequence for event in events]
        if numbers != list(range(1, state.sequence + 1)):
            yield f"pipeline {pipeline} has the sequences {numbers}"


def _runs(pipeline: str, reported: Sequence[Report], reports: Reports) -> Iterator[str]:
    """Check that each run is reported in order, and ends before the next, by an end of its own."""
    if reports is not None and reported != reports:
        yield f"pipeline {pipeline} is told {reported}, not {reports}"
    if not RUNS.fullmatch("".join(LETTERS.get(report.type, "e") for report in reported)):
        yield f"pipeline {pipeline} is told {[report.type for report in reported]}"


def _replays(system: System) -> Iterator[str]:
    for replay in system.replays.list_open():
        yield f"a replay goes on for ever: {replay}"
    for replay in system.replays.list_finished():
        if replay.failed:
            yield f"a replay has left something out: {replay}"


def _whole_replays(system: System, subscription: str) -> dict[str, int]:
    return {
        replay.id: system.history.replays[replay.id]
        for replay in system.replays.list_finished()
        if replay.subscription_id == subscription
        and (replay.state, replay.criteria.status) == ("done", "any")
    }


def _letters(system: System) -> Mapping[str, set[int]]:
    letters: defaultdict[str, set[int]] = defaultdict(set)
    for letter in (letter_of(message.body) for message in _peek(system, DEAD)):
        if letter:
            letters[letter[0]].add(letter[1])
    return letters


def _peek(system: System, name: str) -> list[Message]:
    """Return the messages of a queue as an operator finds them, and leave them there."""
    queue, copy = system.queues[name], FifoQueue(system.timeline.now)
    messages = list(_moved(queue, copy))
    assert len(list(_moved(copy, queue))) == len(messages)
    return messages


def _moved(source: FifoQueue, destination: FifoQueue) -> Iterator[Message]:
    """Move all messages, as a receive would show no more than ten of one lane."""
    while message := source.next_free():
        source.move(message, destination)
        yield message


def _cases(
    system: System,
    letters: Mapping[str, set[int]],
    crashed: Collection[tuple[str, str]],
    reports: Mapping[str, Reports],
) -> Iterator[LaneCase]:
    lanes = _lanes(system)
    for subscriber in system.scenario.subscribers:
        subscription = system.subscriptions.by_id[subscriber.id]
        whole_replays = _whole_replays(system, subscriber.id)
        for pipeline, state in system.journal.pipelines.items():
            name = f"{subscriber.id}#{pipeline}"
            yield LaneCase(
                name=name,
                subscriber=subscriber,
                skips=subscription.ordering == "skip",
                history=system.history.lanes[name],
                records=lanes.get(name, {}),
                events=state.sequence,
                reports=reports[pipeline],
                is_tainted=bool({name, pipeline} & system.history.tainted),
                is_undisturbed=_is_undisturbed(system, subscriber),
                is_blocked=is_blocked(subscription) and not subscription.removed_at,
                is_removed=subscription.removed_at is not None,
                blocked=tuple(system.history.pauses[subscriber.id]),
                letters=frozenset(letters[name]),
                crashed=frozenset(_crashed(system, pipeline, crashed)),
                whole_replays=whole_replays,
            )


def _lanes(system: System) -> "Mapping[str, dict[int, DeliveryRecord]]":
    """Return the records of each lane, in the order of their sequence."""
    lanes: defaultdict[str, dict[int, DeliveryRecord]] = defaultdict(dict)
    for (lane, sequence), record in sorted(
        system.ledger.records.items(), key=lambda item: item[0][1]
    ):
        lanes[str(lane)][sequence] = record
    return lanes


def _is_undisturbed(system: System, subscriber: Subscriber) -> bool:
    """Tell whether nothing but the schedule decided when its deliveries were tried."""
    history, posts = system.history, _posts(system, subscriber)
    is_slow = any((post.ended_at or inf) - post.began_at > SLOW_SECONDS for post in posts)
    is_kept = history.breakers[subscriber.id] or subscriber.pace or system.scenario.acts
    return not (system.faults.injected or is_slow or is_kept or history.pauses[subscriber.id])


def _posts(system: System, subscriber: Subscriber) -> list[Post]:
    """Return the requests of all lanes of a subscriber."""
    lanes = system.history.lanes.items()
    return [
        post for name, lane in lanes if name.startswith(f"{subscriber.id}#") for post in lane.posts
    ]


def _crashed(system: System, pipeline: str, crashed: Collection[tuple[str, str]]) -> Iterator[int]:
    """Yield the sequences of its quarantined events, and of those inferred from them."""
    for key in crashed:
        if key[0] == pipeline and key in system.journal.accepted_events:
            for event in (*system.journal.inferred[key], system.journal.accepted_events[key]):
                yield event.sequence
