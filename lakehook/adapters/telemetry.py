"""Structured logs and metrics by Powertools, and what the API and the ingress log.

Logs are JSON lines, metrics CloudWatch's embedded format. The API logs one line per request with
its caller, never a body or a query; the ingress logs one line per notification, never its
signature.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from threading import Lock
from typing import TYPE_CHECKING, Any, Self

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from lakehook import metrics as names
from lakehook.domain.errors import InfrastructureError
from lakehook.domain.event import Event

if TYPE_CHECKING:
    from lakehook.domain.devlake.refusal import Refusal
    from lakehook.domain.subscription import EndpointChange

MAX_PATH_CHARACTERS = 200


@dataclass(frozen=True)
class Powertools:
    """Thread-safe Powertools: lanes of a batch log in parallel, which Metrics can't do."""

    logger: Logger
    metrics: Metrics
    _counts: Counter[str] = field(default_factory=Counter)
    _lock: Lock = field(default_factory=Lock)

    @classmethod
    def from_environment(cls) -> Self:
        """Read service and namespace from Powertools' own variables, which the blueprint sets."""
        return cls(Logger(use_rfc3339=True), Metrics())

    @contextmanager
    def invocation(self, request_id: str, **keys: str | None) -> Iterator[None]:
        """Each line of the invocation has its request id, and ``keys``."""
        self.logger.append_keys(request_id=request_id, **keys)
        try:
            yield
        finally:
            self._flush()

    def internal_error(self, error: Exception, *, doing: str) -> None:
        self._count(names.INTERNAL_ERRORS)
        self.logger.error("internal_error", doing=doing, exc_info=error)

    def _info(self, action: str, **fields: Any) -> None:
        self.logger.info(
            action, **{name: value for name, value in fields.items() if value is not None}
        )

    def _count(self, name: str, number: int = 1) -> None:
        """Count; the counts of one invocation are summed."""
        with self._lock:
            self._counts[name] += number

    def _measure(self, name: str, value: float, unit: MetricUnit) -> None:
        with self._lock:
            self.metrics.add_metric(name=name, unit=unit, value=value)

    def _flush(self) -> None:
        """Write the metrics. A lane of an aborted batch may still count, for the next one."""
        with self._lock:
            for name, number in self._counts.items():
                self.metrics.add_metric(name=name, unit=MetricUnit.Count, value=number)
            self._counts.clear()
            if self.metrics.metric_set:
                self.metrics.flush_metrics()


class ApiTelemetry(Powertools):
    def answered(self, *, method: str, path: str, status: int) -> None:
        self._count(_metric_for(status))
        self._info("api_called", method=method, path=path[:MAX_PATH_CHARACTERS], status=status)

    def endpoint_changed(self, change: "EndpointChange") -> None:
        self.logger.warning(
            "endpoint_changed",
            subscription=change.after.id,
            subscription_name=change.after.name,
            old_url=change.before.endpoint.display_url,
            new_url=change.after.endpoint.display_url,
        )

    def failed(self, error: Exception) -> None:
        self.internal_error(error, doing="answer a call")

    def warn(self, message: str) -> None:
        self.logger.warning("api_warning", warning=message)


class NotificationTelemetry(Powertools):
    def notification_accepted(self, event: Event) -> None:
        self._count(names.NOTIFICATIONS_RECEIVED)
        self._info(
            "notification_accepted",
            **event_fields(event),
            trigger_source=event.document["trigger_source"],
        )

    def tested(self, source: str | None) -> None:
        """Log a test, which is not counted: it did not come from DevLake."""
        self._info("test_notice_accepted", source=source)

    def notification_rejected(self, status: int, refusal: "Refusal", *, source: str | None) -> None:
        """Count twice without a dimension: the kind is free in the log, but not in a metric."""
        self._count(names.NOTIFICATIONS_REJECTED)
        if refusal.seems_devlake:
            self._count(names.DEVLAKE_REFUSED)
        self._info(
            "notification_rejected",
            status=status,
            source=source,
            kind=refusal.kind,
            seems_devlake=refusal.seems_devlake,
            reason=refusal.reason,
        )

    def devlake_not_read(self, source: str | None, reason: str) -> None:
        """Log that an API was not read; its notifications are accepted without those details."""
        self.logger.warning("devlake_not_read", source=source or "default", reason=reason)

    def unrecorded(self, error: InfrastructureError) -> None:
        """Log a lost record; no notification is lost, so it raises no alarm."""
        self.logger.warning("refusal_not_recorded", error=str(error))


def event_fields(event: Event) -> dict[str, Any]:
    return {
        "pipeline_id": event.pipeline_id,
        "source": event.source,
        "event_id": event.id,
        "event_type": event.type,
    }


def _metric_for(status: int) -> str:
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return names.API_SERVER_ERRORS
    return names.API_CLIENT_ERRORS if status >= HTTPStatus.BAD_REQUEST else names.API_REQUESTS
