"""Redrive: dead letters go back to their lanes, each with a fresh budget."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lakehook.domain.lane import DeliveryRecord
from lakehook.ports.letters import LetterCopies, Redrives
from lakehook.ports.subscriptions import Subscriptions

NO_ENDPOINT = "-"  # of a subscription that nobody remembers


@dataclass(frozen=True)
class Redrive:
    subscriptions: Subscriptions
    redrives: Redrives
    copies: LetterCopies

    def __call__(
        self, letters: Sequence[DeliveryRecord], *, told: Callable[[int], None] = lambda _: None
    ) -> None:
        """Send letters back, those of one lane in the order of their sequence.

        The delivery function revives them: it is the one writer of lanes. So the ledger still has
        them dead for a moment, and a letter sent back twice is revived once. The queue's copies
        go last: a crash before that leaves copies, and loses nothing.
        """
        endpoints = {one.id: one.endpoint.shown for one in self.subscriptions.all()}
        for letter in sorted(letters, key=lambda one: one.sequence):
            endpoint = endpoints.get(letter.lane.subscription_id, NO_ENDPOINT)
            self.redrives.send(letter, endpoint=endpoint)
            told(1)
        self.copies.remove(letters)
