"""What is told to those who look after it."""

from typing import Protocol

from lakehook.domain.delivery import NumberedEvent
from lakehook.domain.event import Event
from lakehook.domain.lane import DeliveryRecord
from lakehook.domain.lifecycle import Fate
from lakehook.ports.ledger import Census


class Telemetry(Protocol):
    """One canonical line per event and per attempt; never a secret, a signature or a body."""

    def fanned_out(self, numbered: NumberedEvent, *, deliveries: int, repeated: bool) -> None: ...

    def set_aside(self, event: Event, fate: Fate) -> None: ...

    def pattern_exhausted(self, subscription_id: str, event: Event) -> None:
        """Tell of a pattern that took too long on an event, which went out unmatched."""

    def parked(self, message_id: str, group: str, reason: str) -> None: ...

    def attempted(self, record: DeliveryRecord, *, next_at: float | None) -> None: ...

    def discarded(self, record: DeliveryRecord) -> None: ...

    def buried(self, record: DeliveryRecord) -> None: ...

    def disabled(self, subscription_id: str, reason: str) -> None: ...

    def counted(self, census: Census, *, now: float) -> None: ...

    def trouble(self, error: Exception, *, doing: str) -> None: ...
