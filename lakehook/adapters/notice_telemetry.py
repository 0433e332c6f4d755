"""What the ingress tells: one line per notice, never its signature."""

from lakehook import metrics as names
from lakehook.adapters.powertools import Powertools
from lakehook.domain.event import Event


class NoticeTelemetry(Powertools):
    def took(self, event: Event) -> None:
        self._count(names.NOTICES)
        self._info(
            "notice_taken",
            pipeline_id=event.pipeline_id,
            source=event.source,
            event_id=event.id,
            event_type=event.type,
            trigger_source=event.document["trigger_source"],
        )

    def refused(self, status: int, reason: str) -> None:
        self._count(names.NOTICES_REFUSED)
        self._info("notice_refused", status=status, reason=reason)
