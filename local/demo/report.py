"""Report of the demonstration: a timeline, checks of what arrived, two measurements, a summary."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import psutil
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from lakehook.domain.attempt import Attempt
from lakehook.domain.delivery import Lane
from lakehook.domain.errors import LakehookError
from lakehook.domain.event import Event, EventType
from lakehook.operations import OperatorService
from lakehook.producer import Publisher
from local.demo.scenario import (
    CANCELLED,
    COMPLETED,
    CREATED,
    DEMO_PIPELINES,
    FAILED,
    MEASURED,
    NO_PROGRESS_SECONDS,
    PARTIAL,
    REFUSED,
    RUNNING,
    Subscriber,
)
from local.receiver import Arrival

Steps = Mapping[str, Sequence[tuple[int, EventType]]]
"""Sequences and types of the events, by pipeline."""

IDLE_SECONDS = 2.0
BURST_PIPELINES, BURST_EVENTS = 40, 4
_PIPELINES = range(1001, 1001 + BURST_PIPELINES)

MAX_EXPLAINED = 5  # missing deliveries of a subscriber
Explain = Callable[[str, str, int], str]
"""Explains a subscriber's delivery of a pipeline and sequence, on one line."""

_SIGNS = {
    CREATED: ("○", "cyan"),
    RUNNING: ("▶", "blue"),
    COMPLETED: ("✔", "green"),
    FAILED: ("✘", "red"),
    PARTIAL: ("◐", "yellow"),
    CANCELLED: ("■", "magenta"),
}


@dataclass(frozen=True, kw_only=True)
class Verdict:
    expected: int
    arrived: int
    complete: bool
    in_order: bool
    genuine: bool
    repeated: int
    missing: tuple[tuple[str, int], ...] = ()  # pipeline and sequence of each

    def __bool__(self) -> bool:
        return self.complete and self.in_order and self.genuine

    @property
    def problems(self) -> tuple[str, ...]:
        """Return the problems other than missing deliveries."""
        return (
            *([] if self.in_order else ["events of a pipeline arrived out of order"]),
            *([] if self.genuine else ["a request had no signature of ours"]),
            *([] if self.complete or self.missing else ["something arrived that nobody sent"]),
        )


def judge(arrivals: Sequence[Arrival], expected: Steps) -> Verdict:
    """Compare arrivals with what was published: per pipeline, sequences and types in order."""
    heard: dict[str, list[tuple[int, EventType]]] = defaultdict(list)
    for arrival in _first_of_each(arrivals):
        heard[arrival.pipeline].append((arrival.sequence, EventType(arrival.event_type)))
    return Verdict(
        expected=sum(map(len, expected.values())),
        arrived=sum(map(len, heard.values())),
        complete=_sorted(heard) == _sorted(expected),
        in_order=all(line == sorted(line) for line in heard.values()),
        genuine=all(arrival.genuine for arrival in arrivals),
        repeated=len(arrivals) - sum(map(len, heard.values())),
        missing=tuple(
            (pipeline, sequence)
            for pipeline, line in expected.items()
            for sequence, event_type in line
            if (sequence, event_type) not in heard.get(pipeline, ())
        ),
    )


def _first_of_each(arrivals: Iterable[Arrival]) -> Iterable[Arrival]:
    first: dict[str, Arrival] = {}
    for arrival in arrivals:
        first.setdefault(arrival.id, arrival)
    return first.values()


def _sorted(lines: Steps) -> dict[str, list[tuple[int, EventType]]]:
    return {pipeline: sorted(line) for pipeline, line in lines.items() if line}


def idle_cpu_percent() -> float:
    """Return the CPU use of all our processes while idle, in per cent of one core."""
    processes = [psutil.Process(), *psutil.Process().children(recursive=True)]
    before, began = _cpu_seconds(processes), time.monotonic()
    time.sleep(IDLE_SECONDS)
    return 100 * (_cpu_seconds(processes) - before) / (time.monotonic() - began)


@dataclass(frozen=True, kw_only=True)
class Measured:
    ready_seconds: float
    idle_cpu_percent: float
    deliveries: int
    burst_seconds: float

    @property
    def deliveries_per_second(self) -> float:
        return self.deliveries / self.burst_seconds


def burst(publisher: Publisher, cast: Sequence[Subscriber]) -> tuple[int, float]:
    """Return the deliveries of a burst of events, and the seconds that they took."""
    events = [_event(pipeline, n) for n in range(BURST_EVENTS) for pipeline in _PIPELINES]
    began = time.monotonic()
    publisher.publish(events)
    for subscriber in cast:
        receiver = subscriber.receiver
        while (arrived := len(receiver.arrivals)) < len(events):
            if not receiver.wait_for(arrived + 1, within=NO_PROGRESS_SECONDS):
                break
    return sum(len(subscriber.receiver.arrivals) for subscriber in cast), time.monotonic() - began


def _event(pipeline: int, number: int) -> Event:
    return Event.from_document(
        {
            "pipeline_id": pipeline,
            "event_type": str(MEASURED[0]),
            "trigger_source": "manual",
            "timestamp": datetime.fromtimestamp(time.time(), UTC).isoformat(),
            "task": {"id": number, "plugin": "gitlab"},
        }
    )


def _cpu_seconds(processes: Sequence[psutil.Process]) -> float:
    times = [process.cpu_times() for process in processes if process.is_running()]
    return sum(time_.user + time_.system for time_ in times)


def proven(cast: Sequence[Subscriber], verdicts: Sequence[Verdict]) -> Iterator[str]:
    """Yield sentences that are true if every verdict is good."""
    arrived = sum(verdict.arrived for verdict in verdicts)
    yield f"Every event reached every subscriber that asked for it: {arrived} deliveries."
    yield "Each pipeline's events came in order, and every signature was verified"
    yield "  by a public library, standardwebhooks."
    by_name = {subscriber.receiver.name: subscriber for subscriber in cast}
    shaky = by_name["shaky"].receiver
    refused = len(shaky.arrivals) - len(shaky.taken)
    yield f"shaky: its {refused} failed deliveries came again, and what was behind them waited."
    taken = [arrival for arrival in by_name["stuck"].receiver.taken if arrival.pipeline == REFUSED]
    numbers = " ".join(f"#{arrival.sequence}" for arrival in taken)
    yield f"stuck, {REFUSED}: {numbers} arrived in order after the redrive."


def faults(subscriber: Subscriber, verdict: Verdict, explain: Explain) -> Iterator[str]:
    """Yield the problems of a subscriber: which deliveries, and why."""
    name = subscriber.receiver.name
    yield from (f"{name}: {problem}" for problem in verdict.problems)
    for pipeline, sequence in verdict.missing[:MAX_EXPLAINED]:
        why = explain(name, pipeline, sequence)
        yield f"{name}: #{sequence} of {pipeline} is missing: {why}"
    if (more := len(verdict.missing) - MAX_EXPLAINED) > 0:
        yield f"{name}: {more} more are missing"


def explain_by(service: OperatorService) -> Explain:
    """Explain by the ledger, as ``lakehook deliveries show`` does."""

    def explain(name: str, pipeline: str, sequence: int) -> str:
        try:
            lane = Lane(service.find_subscription(name).id, pipeline)
            explained = service.explain(f"{lane}#{sequence}")
        except LakehookError as error:
            return str(error)
        record = explained.record
        last = _attempt(record.attempts_log[-1]) if record.attempts_log else "no attempt"
        state = f"{record.status} ({record.reason})" if record.reason else str(record.status)
        return f"{state}; {last}; {explained.next.description}"

    return explain


def _attempt(attempt: Attempt) -> str:
    status = f" {attempt.status}" if attempt.status else ""
    return f"last attempt {attempt.outcome}{status}"


class Timeline:
    """Timeline that the console redraws: what was published, and what has arrived where."""

    def __init__(self, cast: Sequence[Subscriber]) -> None:
        self._cast = cast
        self._said: dict[str, list[EventType]] = {
            str(demo_pipeline.id): [] for demo_pipeline in DEMO_PIPELINES
        }

    def says(self, pipeline_id: int, event_type: EventType) -> None:
        self._said[str(pipeline_id)].append(event_type)

    def __rich__(self) -> RenderableType:
        table = Table(
            title="Events of each pipeline: published, and arrived at each subscriber", expand=False
        )
        for heading in ("pipeline", "project", "published"):
            table.add_column(heading)
        for subscriber in self._cast:
            table.add_column(subscriber.receiver.name)
        arrivals = [_heard_by(subscriber) for subscriber in self._cast]
        for pipeline in DEMO_PIPELINES:
            name = str(pipeline.id)
            signs = [
                _signs(self._said[name]),
                *(_signs(arrived.get(name, [])) for arrived in arrivals),
            ]
            table.add_row(name, pipeline.project, *signs)
        return Group(table, _legend(), Text())


def _heard_by(subscriber: Subscriber) -> dict[str, list[EventType]]:
    heard: dict[str, list[EventType]] = {}
    for arrival in list(subscriber.receiver.taken):
        heard.setdefault(arrival.pipeline, []).append(EventType(arrival.event_type))
    return heard


def _signs(event_types: Sequence[EventType]) -> Text:
    return Text(" ").join(Text(*_SIGNS[event_type]) for event_type in event_types)


def _legend() -> Text:
    names = (
        Text.assemble(sign, " ", event_type.removeprefix("PIPELINE_").lower())
        for event_type, sign in _SIGNS.items()
    )
    return Text("   ").join(names)


def show_verdicts(
    console: Console, cast: Sequence[Subscriber], verdicts: Sequence[Verdict]
) -> None:
    table = Table(title="What arrived")
    headings = ("name", "manner", "arrived", "in order", "signed", "refused", "twice")
    for heading in headings:
        table.add_column(heading)
    for subscriber, verdict in zip(cast, verdicts, strict=True):
        table.add_row(
            subscriber.receiver.name,
            subscriber.manner,
            f"{verdict.arrived} of {verdict.expected}",
            _yes_or_no(answer=verdict.in_order),
            _yes_or_no(answer=verdict.genuine),
            str(len(subscriber.receiver.arrivals) - len(subscriber.receiver.taken)),
            str(verdict.repeated),
        )
    console.print(table)


def show_cast(console: Console, cast: Sequence[Subscriber]) -> None:
    console.print(
        f"{len(DEMO_PIPELINES)} pipelines run; {len(cast)} subscribers receive their events:"
    )
    for subscriber in cast:
        described = subscriber.description or subscriber.manner
        console.print(f"  {subscriber.receiver.name:<10}{described}", highlight=False)
    console.print()


def show_measured(console: Console, measured: Measured) -> None:
    console.print(
        f"ready in {measured.ready_seconds:.1f} s;"
        f" {measured.deliveries_per_second:.0f} deliveries/s"
        f" ({measured.deliveries} in {measured.burst_seconds:.1f} s);"
        f" idle: {measured.idle_cpu_percent:.1f} % of a core"
    )


def _yes_or_no(*, answer: bool) -> Text:
    return Text("yes", "green") if answer else Text("no", "bold red")
