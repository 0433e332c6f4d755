"""What DevLake shows, and what is made of it."""

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from lakehook.domain.document import Document
from lakehook.domain.event import Event


class Publish(Protocol):
    def __call__(
        self, events: Iterable[Event], *, sent: Callable[[int], None] | None = None
    ) -> int:
        """Send events; how many. ``sent`` is told of each batch."""


class DevlakePipelines(Protocol):
    """What DevLake shows by its REST API: ``DevlakeAway``, or ``BadInput`` if it never will."""

    def page(self, number: int) -> Sequence[Document]:
        """Pipelines as they are now, the newest on page 1; none on what is behind the last."""

    def project_of(self, blueprint_id: int) -> str:
        """The project's name; empty if the blueprint has none, or is gone."""
