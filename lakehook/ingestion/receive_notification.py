"""Ingress: a notification that DevLake has signed becomes an event on the queue."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from lakehook.domain.devlake.notification import parse_notification
from lakehook.domain.devlake.refusal import (
    TEST_PIPELINE,
    Refusal,
    RefusalKind,
    has_signature,
    refuse_sign,
)
from lakehook.domain.devlake.signature import SignedNotification
from lakehook.domain.devlake.sources import DevLakeSource, DevLakeSources
from lakehook.domain.errors import (
    InfrastructureError,
    InvalidEvent,
    InvalidNotification,
    InvalidSignature,
)
from lakehook.domain.event import Event
from lakehook.ports.ingress import (
    EventPublisher,
    IngressTelemetry,
    LiveSecrets,
    NotificationSecretReader,
    PipelineDetails,
)

if TYPE_CHECKING:
    from lakehook.ports.ingress import RefusedRecorder

MAX_BYTES = 64 * 1024
_PATH = re.compile(r"/(?:([^/]+)/?)?")  # without a name the default source


@dataclass(frozen=True)
class NotificationRequest:
    method: str
    path: str
    query: str = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True)
class IngressResponse:
    status: HTTPStatus
    document: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class IngressPorts:
    sources: DevLakeSources
    secrets: NotificationSecretReader
    publisher: EventPublisher
    details: PipelineDetails | None = None
    refused_recorder: "Callable[[], RefusedRecorder]"
    """Makes the recorder at the first rejection: accepted notifications do not wait for it."""
    telemetry: IngressTelemetry
    empty_secret_allowed: bool = False


@dataclass(frozen=True)
class ReceiveNotification:
    ports: IngressPorts

    def __call__(self, request: NotificationRequest) -> IngressResponse:
        """Publish the event of a notification; fan-out drops a repeated one by its id."""
        notice, source = SignedNotification(request.body, request.query), self._source_of(request)
        if len(request.body) > MAX_BYTES:
            kind, reason = RefusalKind.TOO_LARGE, f"more than {MAX_BYTES} bytes"
            refusal = Refusal(kind, reason, has_signature(request.query))
            return self._reject(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, refusal, source)
        if source is None:
            refusal = Refusal.of(RefusalKind.UNKNOWN_SOURCE, self._no_source(), notice)
            return self._reject(HTTPStatus.NOT_FOUND, refusal)
        if request.method != "POST":
            refusal = Refusal.of(RefusalKind.METHOD, "notifications are posted", notice)
            return self._reject(HTTPStatus.METHOD_NOT_ALLOWED, refusal, source, allow="POST")
        return self._receive(notice, source)

    def _source_of(self, request: NotificationRequest) -> DevLakeSource | None:
        match = _PATH.fullmatch(request.path)
        return self.ports.sources.get(match[1]) if match else None

    def _no_source(self) -> str:
        """Describe the error without naming the sources to an unauthenticated caller."""
        declared = len(self.ports.sources) - 1
        return (
            "no DevLake is declared for this path: NOTIFICATION_ENDPOINT is the stack's IngressUrl"
            " as it is, or followed by the name of a source; the parameter DevlakeSources has"
            f" {declared}"
        )

    def _receive(self, notice: SignedNotification, source: DevLakeSource) -> IngressResponse:
        try:
            self._verify(notice, source.name)
            return self._accept(notice, source)
        except InvalidSignature as error:
            live = self._live(source.name)
            label = source.name if live.are_own else None
            refusal = refuse_sign(notice, error, live.values, label=label)
            return self._reject(HTTPStatus.UNAUTHORIZED, refusal, source)
        except (InvalidNotification, InvalidEvent) as error:
            refusal = Refusal(
                RefusalKind.NOT_A_NOTICE, str(error), seems_devlake=True, is_notice=True
            )
            return self._reject(HTTPStatus.BAD_REQUEST, refusal, source)
        except InfrastructureError as error:  # it may be sent again
            self.ports.telemetry.internal_error(error, doing="receive a notification")
            return IngressResponse(HTTPStatus.SERVICE_UNAVAILABLE, {"error": "try again"})

    def _verify(self, notice: SignedNotification, source: str | None) -> None:
        """Verify the signature; on failure again with fresh secrets."""
        try:
            notice.verify(self._live(source).values)
        except InvalidSignature:
            notice.verify(self._live(source, fresh=True).values)

    def _live(self, source: str | None, *, fresh: bool = False) -> LiveSecrets:
        """Return the active secrets; an empty one only if allowed, and never a source's own."""
        live = self.ports.secrets.active(source, fresh=fresh)
        secrets = [secret for secret in live.values if secret]
        if self.ports.empty_secret_allowed and not live.are_own:
            secrets.append("")
        return LiveSecrets(secrets, live.are_own)

    def _accept(self, notice: SignedNotification, source: DevLakeSource) -> IngressResponse:
        document = parse_notification(notice.body, source.name)
        if document["pipeline_id"] == TEST_PIPELINE:  # signed, but of no pipeline
            self.ports.telemetry.tested(source.name)
            return IngressResponse(HTTPStatus.ACCEPTED, {"test": True})
        page = {"pipeline_url": source.pipeline_url(document["pipeline_id"])}
        details = self.ports.details.of_event(source, document) if self.ports.details else {}
        event = Event.with_details(document, page | details)
        self.ports.publisher.publish([event])
        self.ports.telemetry.notification_accepted(event)
        return IngressResponse(HTTPStatus.ACCEPTED, {"event_id": event.id})

    def _reject(
        self,
        status: HTTPStatus,
        refusal: Refusal,
        source: DevLakeSource | None = None,
        **headers: str,
    ) -> IngressResponse:
        name, telemetry = source.name if source else None, self.ports.telemetry
        telemetry.notification_rejected(status, refusal, source=name)
        if refusal.seems_devlake:
            try:
                self.ports.refused_recorder().refused(name, refusal)
            except InfrastructureError as error:
                telemetry.unrecorded(error)
        return IngressResponse(status, {"error": refusal.reason}, headers)
