"""The roles that taking notices needs: apart from the others, for DevLake waits for a cold start.

Any of them may raise ``OwnTrouble``, but for ``Blueprints``.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from lakehook.domain.event import Event

Now = Callable[[], float]
"""Unix time in seconds."""


class NotificationSecrets(Protocol):
    def live(self, *, anew: bool = False) -> Sequence[str]:
        """The secrets that DevLake may sign with: as of a little earlier, or ``anew`` as of now.

        As of now is as of some seconds ago for whoever asks too often.
        """


class Publisher(Protocol):
    def publish(self, events: Iterable[Event]) -> int:
        """Return when all events are safe on the queue; ``BadEvent`` before any is sent."""


class Blueprints(Protocol):
    def of_pipeline(self, pipeline_id: int) -> int | None:
        """The blueprint that a pipeline was made of, if there is one and it can be learnt soon."""
