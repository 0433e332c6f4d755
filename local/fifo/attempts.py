"""Receives that may be asked for again, because their answer was lost.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/using-receiverequestattemptid-request-parameter.html
"""

from dataclasses import dataclass

from local.fifo.memory import FiveMinutes
from local.fifo.message import Entry, Received
from local.fifo.stock import Stock


@dataclass(slots=True)
class Attempt:
    entries: list[Entry]
    received: list[Received]
    until: float

    def is_untouched(self) -> bool:
        """Tell whether nothing of it was deleted, was changed, or came back since."""
        return all(entry.invisible_until == self.until for entry in self.entries)

    def renew(self, stock: Stock, until: float) -> list[Received]:
        """Hold its messages anew; it counts as no further receive."""
        self.until = until
        for entry in self.entries:
            stock.hold(entry, until)
        return self.received


class Attempts:
    def __init__(self) -> None:
        self._attempts: FiveMinutes[str, Attempt] = FiveMinutes()

    def repeated(self, attempt_id: str | None, now: float) -> Attempt | None:
        attempt = self._attempts.recall(attempt_id, now) if attempt_id else None
        return attempt if attempt and attempt.is_untouched() else None

    def note(self, attempt_id: str | None, attempt: Attempt, now: float) -> None:
        if attempt_id and attempt.entries:
            self._attempts.note(attempt_id, attempt, now)
