"""The journal for a single event."""

from collections.abc import Sequence

from lakehook.domain.delivery import SequencedEvent
from lakehook.domain.event import Event
from lakehook.domain.pipeline import EventSkip, Pipeline, PipelineTransition
from lakehook.ports.stores import Journal


def load_event(journal: Journal, event: Event) -> tuple[Pipeline, Sequence[SequencedEvent]]:
    (loaded,) = journal.load([event])
    return loaded.pipeline, tuple(loaded.recorded)


def append_step(journal: Journal, step: PipelineTransition | EventSkip) -> None:
    for error in journal.append([step]).values():
        raise error
