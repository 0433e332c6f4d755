"""Line up: the chosen deliveries of one lane wait anew, and the lane is held at the first of them.

The lane is written under its version and each record under its own, so whoever works in the lane
meanwhile loses it, or we do. It is made due, and word goes through the lane's own message group:
SQS lets no two workers into a lane, this way as any other. While it is held, what is new joins
behind.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from lakehook.domain.delivery import Delivery, Lane
from lakehook.domain.document import text_of
from lakehook.domain.errors import LaneMoved
from lakehook.domain.lane import LEASE_SECONDS, DeliveryRecord, HeldLane, Status
from lakehook.domain.replay import Replay
from lakehook.ports.clock import Clock
from lakehook.ports.ledger import Ledger
from lakehook.ports.replay import Revival, Revived

MOST_TRIES = 3
MOST_RECORDS, MOST_BYTES = 90, 3_000_000  # of a transaction; DynamoDB takes 100 and 4 MB
RECORD_BYTES = 4_000  # of a record without its event: twenty attempts, told briefly
RECORDS_AT_A_TIME = 50


@dataclass(frozen=True)
class LinedUp:
    sent: int = 0
    waiting: int = 0
    anew: bool = False  # so its lane is to be told


@dataclass(frozen=True)
class LineUp:
    ledger: Ledger
    revival: Revival
    clock: Clock

    def __call__(self, deliveries: Sequence[Delivery], replay: Replay, *, due_at: float) -> LinedUp:
        """How many go out by this replay, those included that a tick before has lined up.

        ``LaneMoved`` when others write the lane time and again.
        """
        for _ in range(MOST_TRIES - 1):
            with suppress(LaneMoved):
                return self._try(deliveries, replay, due_at)
        return self._try(deliveries, replay, due_at)

    def _try(self, deliveries: Sequence[Delivery], replay: Replay, due_at: float) -> LinedUp:
        lane = deliveries[0].lane
        held, known = self._read(lane, deliveries)
        mine = {n for n, record in known.items() if record.replayed_by == replay.id}
        revived = [
            _revived(one, known.get(one.sequence), replay)
            for one in deliveries
            if one.sequence not in mine and replay.terms.status.takes(known.get(one.sequence))
        ]
        self._revive(lane, revived, held, due_at)
        others = (record for n, record in known.items() if n not in mine)
        waiting = sum(record.status is Status.WAITING for record in others)
        return LinedUp(sent=len(mine) + len(revived), waiting=waiting, anew=bool(revived))

    def _read(
        self, lane: Lane, deliveries: Sequence[Delivery]
    ) -> tuple[HeldLane | None, dict[int, DeliveryRecord]]:
        held: HeldLane | None = self.ledger.read((), [lane]).lanes.get(lane)
        known: dict[int, DeliveryRecord] = {}
        for start in range(0, len(deliveries), RECORDS_AT_A_TIME):
            some = deliveries[start : start + RECORDS_AT_A_TIME]
            records = self.ledger.read(some, ()).records
            known |= {sequence: record for (_, sequence), record in records.items()}
        return held, known

    def _revive(
        self, lane: Lane, revived: Sequence[Revived], held: HeldLane | None, due_at: float
    ) -> None:
        """In one transaction; of a large lane the first ones wait until the last are written."""
        parts = list(_parts(revived))
        for number, part in enumerate(parts, start=1):
            lease = self.clock.now() + LEASE_SECONDS
            due = due_at if number == len(parts) else max(due_at, lease)
            after = _held(held, lane, revived[0].record.sequence, due, self.clock.now())
            self.revival.revive(part, before=held, after=after)
            held = after


def _held(held: HeldLane | None, lane: Lane, lowest: int, due_at: float, now: float) -> HeldLane:
    if held:
        return held.replayed(lowest, due_at=due_at)
    return replace(HeldLane.at(lane, lowest, now=now), due_at=due_at)


def _revived(delivery: Delivery, was: DeliveryRecord | None, replay: Replay) -> Revived:
    record = was or DeliveryRecord.waiting(delivery)
    return Revived(record.replayed(delivery, by=replay.id), was)


def _parts(revived: Sequence[Revived]) -> Iterator[list[Revived]]:
    part: list[Revived] = []
    size = 0
    for one in revived:
        assert one.record.delivery, "what is to be sent has its event"
        more = RECORD_BYTES + len(text_of(one.record.delivery.event.document).encode())
        if part and (len(part) == MOST_RECORDS or size + more > MOST_BYTES):
            yield part
            part, size = [], 0
        part.append(one)
        size += more
    if part:
        yield part
