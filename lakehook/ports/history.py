"""What people and clocks read of pipelines."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from lakehook.domain.delivery import NumberedEvent
from lakehook.domain.event import Event
from lakehook.domain.lifecycle import Fate, Stage
from lakehook.domain.pipeline import Pipeline


@dataclass(frozen=True)
class Accepted:
    """An event of a pipeline, and when it was accepted."""

    numbered: NumberedEvent
    at: float


@dataclass(frozen=True)
class SetAside:
    """A notice of a pipeline that was not sent, why, and when it came."""

    event: Event
    fate: Fate
    at: float


class Chronicle(Protocol):
    def history(self, pipeline_key: str) -> Sequence[Accepted]:
        """The events of a pipeline that are still kept, in the order of their sequence."""

    def unsent(self, pipeline_key: str) -> Sequence[SetAside]:
        """Its notices that were not sent and are still kept, in the order in which they came."""


class Watch(Protocol):
    """Pipelines that have not ended, by an index that may lag behind."""

    def unended(
        self, stage: Stage, *, until: float, since: float | None = None, stalled: bool = False
    ) -> Iterator[Pipeline]:
        """Those in this state since ``until`` or longer, the longest first; read as needed.

        Either those of which a stall was told, or those of which none was. ``since`` leaves out
        those that came into it earlier.
        """

    def lease(self, pipeline: Pipeline, *, until: float) -> bool:
        """Keep other clocks from telling its stall for so long; false if it is theirs, or over."""
