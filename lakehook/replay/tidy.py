"""Tidy: what was a dead letter and has been replayed has no copy on the dead-letter queue."""

from collections.abc import Sequence
from dataclasses import dataclass

from lakehook.domain.lane import DeliveryRecord, Status
from lakehook.ports.archive import Archive
from lakehook.ports.letters import LetterCopies


@dataclass(frozen=True)
class TidyCopies:
    """A copy that is left revives nothing: by the ledger it is no dead letter any more."""

    archive: Archive
    copies: LetterCopies

    def __call__(self, letters: Sequence[DeliveryRecord]) -> int:
        """Of letters as they once were; how many copies were taken away."""
        gone = [letter for letter in letters if self._has_gone(letter)]
        return self.copies.remove(gone) if gone else 0

    def _has_gone(self, letter: DeliveryRecord) -> bool:
        now = self.archive.find(letter.lane, letter.sequence)
        is_as_it_was = now and (now.status, now.attempts) == (Status.DEAD, letter.attempts)
        return not is_as_it_was
