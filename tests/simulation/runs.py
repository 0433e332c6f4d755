"""Reports that subscribers must get of a pipeline, derived from what its source published.

Each run reports each of its states once, in order; a run that is resumed is one run.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.simulation.scenario import Publication

CREATED, RUNNING = "PIPELINE_CREATED", "PIPELINE_RUNNING"


class Report(NamedTuple):
    """One event of a pipeline; without an id it was inferred from the one that follows."""

    type: str
    event_id: str = ""


@dataclass
class Run:
    """The present run of a pipeline."""

    reported: list[str] = field(default_factory=list)
    began_at: float | None = None
    ended_at: float | None = None

    def is_followed_by_another(self, event: Publication) -> bool:
        """Tell whether an event that comes after the end is of another run."""
        if self.ended_at is None:
            return False
        if event.began_at is not None:
            return event.began_at > (self.ended_at if self.began_at is None else self.began_at)
        return event.event_type != self.reported[-1] and event.changed_at > self.ended_at

    def reports(self, event: Publication) -> list[Report]:
        """Return the reports of an event of this run; none of a state that is over."""
        if self.ended_at is not None or self._is_of_an_earlier_beginning(event):
            return []
        if event.began_at is not None:
            self.began_at = event.began_at
        if event.event_type in self.reported or (event.event_type == CREATED and self.reported):
            return []
        if event.event_type not in (CREATED, RUNNING):
            self.ended_at = event.changed_at
        reports = [*map(Report, self._omitted(event)), Report(event.event_type, event.event_id)]
        self.reported += [report.type for report in reports]
        return reports

    def _is_of_an_earlier_beginning(self, event: Publication) -> bool:
        begins = (self.began_at, event.began_at)
        return None not in begins and begins[1] < begins[0]  # type: ignore[operator]

    def _omitted(self, event: Publication) -> Iterable[str]:
        """The states before it that nobody reported; that it ran is known by when it began."""
        if not self.reported and event.event_type != CREATED:
            yield CREATED
        is_end = event.event_type not in (CREATED, RUNNING)
        if is_end and RUNNING not in self.reported and event.began_at is not None:
            yield RUNNING


def to_reports(published: Sequence[Publication]) -> list[Report]:
    """Return the reports of one pipeline, in the order of its sequence."""
    run, reports = Run(), list[Report]()
    for event in published:
        if run.is_followed_by_another(event):
            run = Run()
        reports += run.reports(event)
    return reports
