"""Timeline of a pipeline: the position of each event and each delivery by its time."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Self

from lakehook.domain.lane import DeliveryRecord
from lakehook.domain.pipeline import AcceptedEvent
from lakehook.domain.time import format_rfc3339
from lakehook.ports.stores import SkippedEvent
from lakehook.queries import PipelineReport, SubscriberProgress

FIRST, LAST = 3.0, 97.0  # percent of the line's width
GAP = 4.5  # percent between marks of the same time
MAX_MARKS = 20


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
        delivery_id=f"{record.lane}#{record.sequence}",
        is_replayed=bool(record.replayed_by),
    )
