"""What the ingress tells: one line per notice, never its signature."""

from lakehook import metrics as names
from lakehook.adapters.powertools import Powertools
from lakehook.domain.devlake.refusal import Refusal
from lakehook.domain.errors import OwnTrouble
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

    def tested(self, source: str | None) -> None:
        """Not counted as a notice: no DevLake was heard."""
        self._info("test_notice_accepted", source=source)

    def refused(self, status: int, refusal: Refusal, *, source: str | None) -> None:
        """Two counts and no dimension: a kind, which costs nothing in the line, would be paid."""
        self._count(names.NOTICES_REFUSED)
        if refusal.seems_devlake:
            self._count(names.DEVLAKE_REFUSED)
        self._info(
            "notice_refused",
            status=status,
            source=source,
            kind=refusal.kind,
            seems_devlake=refusal.seems_devlake,
            reason=refusal.reason,
        )

    def devlake_not_read(self, source: str | None, reason: str) -> None:
        """Its notices are taken all the same, without what only its API knows."""
        self.logger.warning("devlake_not_read", source=source or "default", reason=reason)

    def unrecorded(self, error: OwnTrouble) -> None:
        """No notice is lost by it, so it is not counted as trouble, at which people are woken."""
        self.logger.warning("refusal_not_recorded", error=str(error))
