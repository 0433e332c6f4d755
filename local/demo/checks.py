"""Checks of a subscriber: everything received, in order, once, and genuine."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lakehook.domain.event import EventType
from local.receiver import Arrival

Steps = Mapping[str, Sequence[tuple[int, EventType]]]
"""Sequences and types of the events, by pipeline."""


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
