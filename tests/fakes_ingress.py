"""Fakes of the ports that receiving notifications needs."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from lakehook.domain.devlake.last_heard import (
    ACCEPTED_EVERY_SECONDS,
    Heard,
    LastAccepted,
    LastRefused,
    is_notice,
)
from lakehook.domain.devlake.refusal import Refusal
from lakehook.domain.devlake.sources import DevLakeSource
from lakehook.domain.errors import InfrastructureError
from lakehook.domain.event import Event
from lakehook.domain.json_document import Document, to_json
from lakehook.ports.ingress import REFUSED_EVERY_SECONDS, LiveSecrets
from tests.fakes import FakeClock


@dataclass
class FakeNotificationSecrets:
    """Secrets, of which a reader sees those of its last fresh read."""

    stored: list[str]  # the newest first
    own: dict[str, str] = field(default_factory=dict)  # by the name of a source
    fresh_reads: int = 0
    _seen: list[str] = field(default_factory=list)
    _seen_own: dict[str, str] = field(default_factory=dict)

    def active(self, source: str | None = None, *, fresh: bool = False) -> LiveSecrets:
        self.fresh_reads += fresh
        if fresh or not self._seen:
            self._seen, self._seen_own = list(self.stored), dict(self.own)
        if source in self._seen_own:
            return LiveSecrets([self._seen_own[source]], are_own=True)
        return LiveSecrets(self._seen)


@dataclass
class FakePublisher:
    published: list[Event] = field(default_factory=list)
    away: bool = False

    def publish(self, events: Iterable[Event], *, sent: Callable[[int], None] | None = None) -> int:
        if self.away:
            raise InfrastructureError("SQS is away")
        before = len(self.published)
        self.published += [
            Event.from_message(to_json(event.document), group=event.pipeline_key)
            for event in events
        ]
        return len(self.published) - before


@dataclass
class FakeDetails:
    """Plays ``PipelineDetails``: documents by source and pipeline."""

    documents: dict[tuple[str | None, int | str], Document] = field(default_factory=dict)
    lookups: list[tuple[str | None, int | str]] = field(default_factory=list)

    def of_event(self, source: DevLakeSource, document: Document) -> Document:
        key = (source.name, document["pipeline_id"])
        self.lookups.append(key)
        return self.documents.get(key, {})


@dataclass
class FakeIngressTelemetry:
    accepted: list[Event] = field(default_factory=list)
    tests: list[str | None] = field(default_factory=list)  # by source
    refusals: list[tuple[int, Refusal, str | None]] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)
    lost: list[Exception] = field(default_factory=list)  # of records of refusals

    def notification_accepted(self, event: Event) -> None:
        self.accepted.append(event)

    def tested(self, source: str | None) -> None:
        self.tests.append(source)

    def notification_rejected(self, status: int, refusal: Refusal, *, source: str | None) -> None:
        self.refusals.append((status, refusal, source))

    def internal_error(self, error: Exception, *, doing: str) -> None:
        self.errors.append(error)

    def unrecorded(self, error: InfrastructureError) -> None:
        self.lost.append(error)


@dataclass
class FakeHeard:
    """Plays ``AcceptedRecorder``, ``RefusedRecorder`` and ``HeardReader``."""

    clock: FakeClock = field(default_factory=FakeClock)
    records: dict[str | None, Heard] = field(default_factory=dict)
    away: bool = False
    writes: int = 0
    _tried_at: dict[str | None, float] = field(default_factory=dict)
    _refused_at: dict[tuple[str | None, bool], float] = field(default_factory=dict)

    def accepted(self, event: Event) -> None:
        now = self.clock.now()
        is_early = now - self._tried_at.get(event.source, float("-inf")) < ACCEPTED_EVERY_SECONDS
        if is_notice(event) and not is_early:
            self._tried_at[event.source] = now
            self._require_available()
            heard = self.heard(event.source)
            self.records[event.source] = replace(heard, accepted=LastAccepted(now, event.id))
            self.writes += 1

    def refused(self, source: str | None, refusal: Refusal) -> None:
        now = self.clock.now()
        key = (source, refusal.is_notice)
        if now - self._refused_at.get(key, float("-inf")) >= REFUSED_EVERY_SECONDS:
            self._refused_at[key] = now
            self._require_available()
            heard = self.heard(source)
            if not refusal.is_notice and _has_standing_refusal(heard):
                return
            self.records[source] = replace(heard, refused=LastRefused.of(refusal, now=now))
            self.writes += 1

    def heard(self, source: str | None) -> Heard:
        self._require_available()
        return self.records.get(source, Heard())

    def _require_available(self) -> None:
        if self.away:
            raise InfrastructureError("DynamoDB is away")


def _has_standing_refusal(heard: Heard) -> bool:
    """Return whether a notice was refused, and none accepted since."""
    if heard.refused is None or not heard.refused.is_notice:
        return False
    return heard.accepted is None or heard.accepted.at <= heard.refused.at
