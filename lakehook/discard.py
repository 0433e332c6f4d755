"""Discard: dead letters are given up for good, and their lanes move on."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from lakehook.domain.errors import LaneMoved
from lakehook.domain.lane import DeliveryRecord, HeldLane, Status
from lakehook.ports.clock import Clock
from lakehook.ports.ledger import Ledger
from lakehook.ports.letters import LetterCopies

REASON = "discarded by operator"
MOST_TRIES = 5


@dataclass(frozen=True)
class Discard:
    ledger: Ledger
    copies: LetterCopies
    clock: Clock

    def __call__(
        self, letters: Sequence[DeliveryRecord], *, told: Callable[[int], None] = lambda _: None
    ) -> list[DeliveryRecord]:
        """Those that were discarded; one that has been redriven meanwhile is let be."""
        discarded = []
        for letter in sorted(letters, key=lambda one: one.sequence):
            if self._discard(letter):
                discarded.append(letter)
            told(1)
        self.copies.remove(discarded)
        return discarded

    def _discard(self, letter: DeliveryRecord) -> bool:
        for _ in range(MOST_TRIES):
            with suppress(LaneMoved):
                return self._try(letter)
        raise LaneMoved(f"{letter.lane}#{letter.sequence}: its lane is at work; try again soon")

    def _try(self, letter: DeliveryRecord) -> bool:
        assert letter.delivery, f"{letter.lane}#{letter.sequence} is dead without its event"
        page = self.ledger.read([letter.delivery], [letter.lane])
        record = page.records.get((letter.lane, letter.sequence))
        if record is None or record.status is not Status.DEAD:
            return False
        held = page.lanes.get(letter.lane)
        after = self._moved_on(held, record) if held else None
        self.ledger.write(record.discarded(REASON), before=held, after=after)
        return True

    def _moved_on(self, held: HeldLane, record: DeliveryRecord) -> HeldLane | None:
        """The next that waits is the head, due now; the lane flows when there is none."""
        if held.head != record.sequence:
            return held  # and if it has become the head meanwhile, this write fails
        behind = (one for one in self.ledger.waiting(held) if one.sequence != record.sequence)
        following = next(behind, None)
        return held.moved_on(following.sequence, now=self.clock.now()) if following else None
