"""Stand-ins for what taking notices needs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from lakehook.domain.document import text_of
from lakehook.domain.errors import OwnTrouble
from lakehook.domain.event import Event


@dataclass
class FakeNotificationSecrets:
    """What is stored is seen when it is read ``anew``."""

    stored: list[str]  # the newest first
    asked_anew: int = 0
    _seen: list[str] = field(default_factory=list)

    def live(self, *, anew: bool = False) -> Sequence[str]:
        self.asked_anew += anew
        if anew or not self._seen:
            self._seen = list(self.stored)
        return self._seen


@dataclass
class FakePublisher:
    published: list[Event] = field(default_factory=list)
    away: bool = False

    def publish(self, events: Iterable[Event]) -> int:
        if self.away:
            raise OwnTrouble("SQS is away")
        before = len(self.published)
        self.published += [
            Event.from_message(text_of(one.document), group=one.pipeline_key) for one in events
        ]
        return len(self.published) - before


@dataclass
class FakeBlueprints:
    known: dict[int, int] = field(default_factory=dict)
    asked: list[int] = field(default_factory=list)

    def of_pipeline(self, pipeline_id: int) -> int | None:
        self.asked.append(pipeline_id)
        return self.known.get(pipeline_id)
