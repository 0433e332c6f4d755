"""Charts as SVG of the server's own: the strip of a health, and lines over time.

Positions are in per cent of a drawing that stretches with the page; its words are HTML around it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import log10
from typing import Self

from lakehook.domain.lane import DeliveryRecord
from lakehook.domain.pipeline import AcceptedEvent
from lakehook.domain.time import format_rfc3339, parse_rfc3339
from lakehook.operations.trends import HealthStripView, TrendsView
from lakehook.ports.stores import SkippedEvent
from lakehook.queries import PipelineReport, SubscriberProgress

HEIGHT = 100.0
MIN_BAR = 0.4  # per cent of the width, so that a short trouble is seen
MIN_MS, MAX_MS = 10.0, 100_000.0
MILLISECONDS = (10, 100, 1_000, 10_000, 100_000)  # of the scale, which is logarithmic
_STEPS = (1, 2, 5)
FIRST, LAST = 3.0, 97.0  # percent of the line's width
GAP = 4.5  # percent between marks of the same time
MAX_MARKS = 20


@dataclass(frozen=True, kw_only=True)
class Bar:
    health: str
    x: float
    width: float
    since: str
    until: str
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Strip:
    subscription_id: str
    name: str
    bars: Sequence[Bar]

    @classmethod
    def from_view(cls, view: HealthStripView, *, start: float, end: float) -> Self:
        """Draw the spans between the two times; what was before the subscription stays empty."""
        bars = [
            Bar(
                health=span.health,
                x=round(_share(span.since, start, end), 2),
                width=round(max(span.seconds / (end - start) * 100, MIN_BAR), 2),
                since=span.since,
                until=span.until,
                seconds=span.seconds,
            )
            for span in view.spans
        ]
        return cls(subscription_id=view.subscription_id, name=view.name, bars=bars)


@dataclass(frozen=True, kw_only=True)
class Line:
    name: str
    paths: Sequence[str]  # of SVG; a gap has no line
    last: float | None
    highest: float | None
    highest_at: str | None


@dataclass(frozen=True, kw_only=True)
class Chart:
    lines: Sequence[Line]
    ticks: Sequence[tuple[float, float]]  # a value, and its position from the top
    since: str
    until: str

    @property
    def is_empty(self) -> bool:
        return not any(line.highest for line in self.lines)


def strips(view: TrendsView, *, now: float) -> Sequence[Strip]:
    start = parse_rfc3339(view.since).timestamp()
    return [Strip.from_view(strip, start=start, end=now) for strip in view.strips or ()]


def deliveries_chart(view: TrendsView) -> Chart | None:
    series = view.deliveries
    if series is None:
        return None
    top = _round_up(max((*series.delivered_a_minute, *series.failed_a_minute), default=0.0))
    lines = {"delivered": series.delivered_a_minute, "failed": series.failed_a_minute}
    ticks = [(value, HEIGHT - value / top * HEIGHT) for value in (top, top / 2, 0.0)]
    return _chart(view, series.times, lines, ticks=ticks, top=top)


def latency_chart(view: TrendsView) -> Chart | None:
    series = view.deliveries
    if series is None:
        return None
    lines = {"p99": series.p99_ms, "p50": series.p50_ms}
    ticks = [(float(value), _of_latency(value)) for value in MILLISECONDS]
    return _chart(view, series.times, lines, ticks=ticks)


def _chart(
    view: TrendsView,
    times: Sequence[float],
    lines: dict[str, Sequence[float | None]] | dict[str, Sequence[float]],
    *,
    ticks: Sequence[tuple[float, float]],
    top: float | None = None,
) -> Chart:
    drawn = []
    for name, values in lines.items():
        heights = [None if v is None else _height(v, top) for v in values]
        points = [(v, at) for v, at in zip(values, times, strict=True) if v is not None]
        highest = max(points, default=None)
        drawn.append(
            Line(
                name=name,
                paths=list(_paths(heights)),
                last=points[-1][0] if points else None,
                highest=highest[0] if highest else None,
                highest_at=format_rfc3339(highest[1]) if highest else None,
            )
        )
    return Chart(lines=drawn, ticks=ticks, since=view.since, until=view.until)


def _height(value: float, top: float | None) -> float:
    return _of_latency(value) if top is None else HEIGHT - value / top * HEIGHT


def _of_latency(milliseconds: float) -> float:
    """Return the position from the top, on the logarithmic scale."""
    bounded = min(max(milliseconds, MIN_MS), MAX_MS)
    return HEIGHT - log10(bounded / MIN_MS) / log10(MAX_MS / MIN_MS) * HEIGHT


def _paths(heights: Sequence[float | None]) -> Iterator[str]:
    """Yield a path for each run of neighbours; a value alone is a short stroke."""
    step = 100 / max(len(heights), 1)
    run: list[str] = []
    for number, height in enumerate((*heights, None)):
        if height is not None:
            run.append(f"{number * step:.2f},{height:.2f} {(number + 1) * step:.2f},{height:.2f}")
        elif run:
            yield "M" + " L".join(run)
            run = []


def _round_up(value: float) -> float:
    """Return the next 1, 2 or 5 times a power of ten, at least 1."""
    power = 1.0
    while True:
        for step in _STEPS:
            if value <= step * power:
                return step * power
        power *= 10


def _share(at: str, start: float, end: float) -> float:
    return (parse_rfc3339(at).timestamp() - start) / (end - start) * 100


@dataclass(frozen=True, kw_only=True)
class Mark:
    at: float
    sequence: int | None  # None if it was not sent
    state: str  # a delivery's status; ``event``, ``inferred`` or ``skipped``
    label: str
    delivery_id: str | None = None
    is_replayed: bool = False
    x: float = 0.0

    @property
    def time(self) -> str:
        return format_rfc3339(self.at)


@dataclass(frozen=True, kw_only=True)
class Row:
    name: str
    subscription_id: str
    marks: Sequence[Mark]


@dataclass(frozen=True, kw_only=True)
class PipelineTimeline:
    events: Sequence[Mark]
    rows: Sequence[Row]
    start: str
    end: str
    seconds: float

    @classmethod
    def from_report(cls, report: PipelineReport, *, now: float) -> Self:
        events = [*map(_of_event, report.events), *map(_of_skipped, report.skipped)]
        rows = [_row(progress) for progress in report.subscribers]
        times = [mark.at for mark in events]
        times += [mark.at for row in rows for mark in row.marks]
        start, end = min(times), max(times)
        if any(mark.state == "waiting" for row in rows for mark in row.marks):
            end = max(end, now)
        span = max(end - start, 1.0)
        return cls(
            events=_placed(events, start, span),
            rows=[replace(row, marks=_placed(row.marks, start, span)) for row in rows],
            start=format_rfc3339(start),
            end=format_rfc3339(end),
            seconds=span,
        )


def _placed(marks: Iterable[Mark], start: float, span: float) -> list[Mark]:
    """Position each mark by its time; simultaneous ones are next to each other, within the line."""
    shown = sorted(marks, key=lambda mark: (mark.at, mark.sequence or 0))[-MAX_MARKS:]
    places = [FIRST + (mark.at - start) / span * (LAST - FIRST) for mark in shown]
    for index in range(1, len(places)):
        places[index] = max(places[index], places[index - 1] + GAP)
    latest = LAST
    for index in reversed(range(len(places))):
        places[index] = min(places[index], latest)
        latest = places[index] - GAP
    return [replace(mark, x=round(x, 2)) for mark, x in zip(shown, places, strict=True)]


def _of_event(accepted: AcceptedEvent) -> Mark:
    event = accepted.sequenced.event
    state = "inferred" if event.is_inferred else "event"
    return Mark(
        at=accepted.at, sequence=accepted.sequenced.sequence, state=state, label=str(event.type)
    )


def _of_skipped(skipped: SkippedEvent) -> Mark:
    return Mark(at=skipped.at, sequence=None, state="skipped", label=str(skipped.event.type))


def _row(progress: SubscriberProgress) -> Row:
    return Row(
        name=progress.subscription.name,
        subscription_id=progress.subscription.id,
        marks=[_of_record(record) for record in progress.records],
    )


def _of_record(record: DeliveryRecord) -> Mark:
    return Mark(
        at=record.changed_at,
        sequence=record.sequence,
        state=str(record.status),
        label=record.event_type,
        delivery_id=record.id,
        is_replayed=bool(record.replayed_by),
    )
