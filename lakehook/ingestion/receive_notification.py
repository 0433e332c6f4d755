"""Ingress: a notification that DevLake has signed becomes an event on the queue."""

from dataclasses import dataclass
from enum import Enum, auto

from lakehook.domain.devlake.notification import parse_notification
from lakehook.domain.devlake.refusal import TEST_PIPELINE, Refusal, RefusalKind, refuse_sign
from lakehook.domain.devlake.signature import SignedNotification
from lakehook.domain.devlake.sources import DEFAULT_SOURCE, DevLakeSource
from lakehook.domain.errors import (
    InfrastructureError,
    InvalidEvent,
    InvalidNotification,
    InvalidSignature,
)
from lakehook.domain.event import Event
from lakehook.domain.json_document import Document
from lakehook.ports.ingress import (
    EventPublisher,
    LiveSecrets,
    NotificationSecretReader,
    PipelineDetails,
)


class ReceiveStatus(Enum):
    ACCEPTED = auto()  # stored on the queue
    TESTED = auto()  # signed, but of no pipeline: a test of the set-up
    UNSIGNED = auto()
    UNREADABLE = auto()
    UNAVAILABLE = auto()  # AWS failed: the notification may be sent again


@dataclass(frozen=True)
class ReceiveResult:
    status: ReceiveStatus
    event: Event | None = None
    refusal: Refusal | None = None
    error: InfrastructureError | None = None

    @property
    def reason(self) -> str:
        """The response to the sender of a rejected notification."""
        return self.refusal.reason if self.refusal else "try again"


@dataclass(frozen=True)
class ReceiveNotification:
    secrets: NotificationSecretReader
    publisher: EventPublisher
    details: PipelineDetails | None = None
    empty_secret_allowed: bool = False

    def __call__(
        self, notice: SignedNotification, source: DevLakeSource = DEFAULT_SOURCE
    ) -> ReceiveResult:
        """Publish the event of a notification; fan-out drops a repeated one by its id."""
        try:
            self._verify(notice, source.name)
            return self._take(parse_notification(notice.body, source.name), source)
        except InvalidSignature as error:
            live = self._live(source.name)
            label = source.name if live.are_own else None
            return ReceiveResult(
                ReceiveStatus.UNSIGNED, refusal=refuse_sign(notice, error, live.values, label=label)
            )
        except (InvalidNotification, InvalidEvent) as error:
            refusal = Refusal(
                RefusalKind.NOT_A_NOTICE, str(error), seems_devlake=True, is_notice=True
            )
            return ReceiveResult(ReceiveStatus.UNREADABLE, refusal=refusal)
        except InfrastructureError as error:
            return ReceiveResult(ReceiveStatus.UNAVAILABLE, error=error)

    def _verify(self, notice: SignedNotification, source: str | None) -> None:
        """Verify the signature; on failure again with fresh secrets."""
        try:
            notice.verify(self._live(source).values)
        except InvalidSignature:
            notice.verify(self._live(source, fresh=True).values)

    def _live(self, source: str | None, *, fresh: bool = False) -> LiveSecrets:
        """Return the active secrets; an empty one only if allowed, and never a source's own."""
        live = self.secrets.active(source, fresh=fresh)
        secrets = [secret for secret in live.values if secret]
        if self.empty_secret_allowed and not live.are_own:
            secrets.append("")
        return LiveSecrets(secrets, live.are_own)

    def _take(self, document: Document, source: DevLakeSource) -> ReceiveResult:
        if document["pipeline_id"] == TEST_PIPELINE:
            return ReceiveResult(ReceiveStatus.TESTED)
        page = {"pipeline_url": source.pipeline_url(document["pipeline_id"])}
        details = self.details.of_event(source, document) if self.details else {}
        event = Event.with_details(document, page | details)
        self.publisher.publish([event])
        return ReceiveResult(ReceiveStatus.ACCEPTED, event)
