"""The journal for a single event."""

from collections.abc import Sequence

from lakehook.domain.delivery import SequencedEvent
from lakehook.domain.event import Event
from lakehook.domain.pipeline import EventSkip, Pipeline, PipelineTransition
from lakehook.ports.stores import Journal
from tests.builders import an_event


def load_event(journal: Journal, event: Event) -> tuple[Pipeline, Sequence[SequencedEvent]]:
    (loaded,) = journal.load([event])
    return loaded.pipeline, tuple(loaded.recorded)


def accept(journal: Journal, **changes: object) -> None:
    """Append an event which moves its pipeline."""
    event = an_event(**changes)
    pipeline, _ = load_event(journal, event)
    step = pipeline.apply(event)
    assert isinstance(step, PipelineTransition)
    append_step(journal, step)


def append_step(journal: Journal, step: PipelineTransition | EventSkip) -> None:
    for error in journal.append([step]).values():
        raise error
