"""State of a lane in memory: its record as this worker last wrote it, and the ways to change it.

Each change raises ``LaneConflict`` when another worker has written the lane since.
"""

from collections.abc import Iterator

from lakehook.domain.delivery import Lane
from lakehook.domain.errors import InfrastructureError, LaneConflict
from lakehook.domain.lane import DeliveryRecord, DeliveryStatus, HeldLane, SuspendedReason
from lakehook.ports.stores import Ledger, LedgerSnapshot
from lakehook.ports.system import Clock

PAUSES_SECONDS = (0.2, 0.8)  # between the attempts of a write that fails


class LaneState:
    def __init__(self, ledger: Ledger, clock: Clock, *, lane: Lane, page: LedgerSnapshot) -> None:
        self._ledger = ledger
        self._clock = clock
        self.lane = lane
        self.record = page.lanes.get(lane)  # None: the lane flows
        self._records = {
            sequence: record for (of, sequence), record in page.records.items() if of == lane
        }

    def record_of(self, sequence: int) -> DeliveryRecord | None:
        """The record of a delivery, as it was loaded or written since."""
        return self._records.get(sequence)

    def waiting(self) -> Iterator[tuple[DeliveryRecord, DeliveryRecord | None]]:
        """Waiting deliveries from the head, each with the one that follows it."""
        if self.record is None:
            return
        record: DeliveryRecord | None = None
        for following in self._ledger.waiting_deliveries(self.record):
            if record:
                yield record, following
            record = following
        if record:
            yield record, None

    def has_held_since(self, time: float) -> bool:
        return self.record is not None and self.record.held_since <= time

    def held_at(self, record: DeliveryRecord) -> HeldLane:
        """The lane held at this delivery, with a fresh budget unless it was the head."""
        now = self._clock.now()
        if self.record is None:
            return HeldLane.held_at(record.lane, record.sequence, now=now)
        if self.record.head != record.sequence:
            return self.record.advanced_to(record.sequence, now=now)
        return self.record

    def write(self, record: DeliveryRecord, after: HeldLane | None) -> DeliveryRecord:
        """Save a delivery and its lane, and return the saved record. A failed write is retried."""
        written = self._persist(record, after)
        self.record = after
        self._records[record.sequence] = written
        return written

    def _persist(self, record: DeliveryRecord, after: HeldLane | None) -> DeliveryRecord:
        for pause in PAUSES_SECONDS:
            try:
                return self._ledger.save(record, before=self.record, after=after)
            except InfrastructureError:
                self._clock.sleep(pause)
        return self._ledger.save(record, before=self.record, after=after)

    def complete(self, record: DeliveryRecord, following: DeliveryRecord | None) -> None:
        """Finish a delivery: the lane advances to the next one, or flows."""
        after = None
        if self.record and following:
            after = self.record.advanced_to(following.sequence, now=self._clock.now())
        try:
            self.write(record, after)
        except LaneConflict:
            if record.status is DeliveryStatus.DELIVERED:
                # The worker that holds the lane now must not send again what has arrived.
                self._ledger.save_late_success(record)
            raise

    def mark_dead(self) -> None:
        """Hold the lane at a head that is a dead letter."""
        held = self._held()
        self._move(held, held.with_dead_head())

    def suspend(self, reason: SuspendedReason) -> None:
        """Suspend the lane; its subscription resumes it."""
        held = self._held()
        self._move(held, held.suspended_for(reason))

    def await_reservation(self, held: HeldLane) -> None:
        """Defer the lane to its reserved send time, or until one is free."""
        self._move(self._held(), held)

    def resume(self) -> None:
        """Make a suspended lane due now."""
        held = self._held()
        self._move(held, held.resumed(now=self._clock.now()))

    def block(self, *, held_since: float | None = None) -> None:
        """Suspend the lane until its subscription is neither paused nor disabled."""
        held = self._held()
        self._move(held, held.blocked(held_since=held_since))

    def release(self) -> None:
        """Delete the lane's record: no delivery waits, so the lane flows."""
        if self.record:
            self._move(self.record, None)

    def _held(self) -> HeldLane:
        """Return the lane's record. A flowing lane has none, so it cannot be deferred."""
        assert self.record, f"{self.lane} flows, so nothing waits in it"
        return self.record

    def _move(self, before: HeldLane, after: HeldLane | None) -> None:
        self._ledger.save_lane(before, after)
        self.record = after
