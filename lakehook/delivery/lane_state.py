"""State of a lane in memory: its record as this worker last wrote it, and the ways to change it.

Each change raises ``LaneConflict`` when another worker has written the lane since.
"""

from collections.abc import Iterator

from lakehook.domain.delivery import Lane
from lakehook.domain.errors import InfrastructureError, LaneConflict
from lakehook.domain.lane import DeliveryRecord, DeliveryStatus, HeldLane, SuspendedReason
from lakehook.ports.stores import Ledger, LedgerSnapshot
from lakehook.ports.system import Clock

PAUSES_SECONDS = (0.2, 0.8)  # between the tries of a write that fails


class LaneState:
    def __init__(self, ledger: Ledger, clock: Clock, *, lane: Lane, page: LedgerSnapshot) -> None:
        self._ledger = ledger
        self._clock = clock
        self.lane = lane
        self.record = page.lanes.get(lane)  # none: the lane flows
        self._records = {
            sequence: known for (of, sequence), known in page.records.items() if of == lane
        }

    def record_of(self, sequence: int) -> DeliveryRecord | None:
        """What is known of a delivery, by the page that was read or by what was written since."""
        return self._records.get(sequence)

    def waiting(self) -> Iterator[tuple[DeliveryRecord, DeliveryRecord | None]]:
        """The waiting line from its head, each with the one that follows it."""
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
        """The lane held at this delivery; its budget is a fresh one unless it was the head."""
        now = self._clock.now()
        if self.record is None:
            return HeldLane.held_at(record.lane, record.sequence, now=now)
        if self.record.head != record.sequence:
            return self.record.advanced_to(record.sequence, now=now)
        return self.record

    def write(self, record: DeliveryRecord, after: HeldLane | None) -> DeliveryRecord:
        """The record as it now stands. What has happened is worth more than one try to tell it."""
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
        """This delivery is done with: the lane goes on to the next, or flows."""
        after = None
        if self.record and following:
            after = self.record.advanced_to(following.sequence, now=self._clock.now())
        try:
            self.write(record, after)
        except LaneConflict:
            if record.status is DeliveryStatus.DELIVERED:
                # Whoever has the lane now must not send again what has arrived.
                self._ledger.save(record, before=None, after=None)
            raise

    def mark_dead(self) -> None:
        """The head is a dead letter, and stays so."""
        held = self._held()
        self._move(held, held.with_dead_head(now=self._clock.now()))

    def suspend(self, *, until: float, reason: SuspendedReason) -> None:
        """The endpoint is down or slow: until then, unless a success wakes the lane."""
        held = self._held()
        self._move(held, held.suspended_until(until, reason=reason))

    def await_reservation(self, held: HeldLane) -> None:
        """The head waits for its place, or for one to be had."""
        self._move(self._held(), held)

    def resume(self) -> None:
        """It need not have slept."""
        held = self._held()
        self._move(held, held.resumed(now=self._clock.now()))

    def block(self) -> None:
        """Not yet: look again within the hour."""
        held = self._held()
        self._move(held, held.blocked(now=self._clock.now()))

    def release(self) -> None:
        """Nothing waits any more: the lane flows."""
        if self.record:
            self._move(self.record, None)

    def _held(self) -> HeldLane:
        """A flowing lane can put nothing off: whoever asks for it must not think that it did."""
        assert self.record, f"{self.lane} flows, so nothing waits in it"
        return self.record

    def _move(self, before: HeldLane, after: HeldLane | None) -> None:
        self._ledger.save_lane(before, after)
        self.record = after
