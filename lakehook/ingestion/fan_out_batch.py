"""Batch of the events queue: fanned out at once, or one by one if a message was received again.

A message that is received again may have crashed its worker: out of time, out of memory. A receive
count does not tell, since our own outages and other messages of the batch raise it, too. So each
such message is tried alone, after an announcement that is kept until its outcome is known. After
three announcements in a row without an outcome, the message is quarantined.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from lakehook.domain.errors import InfrastructureError
from lakehook.domain.lane import MAX_UNFINISHED_ATTEMPTS
from lakehook.ingestion.fan_out import FanOut
from lakehook.ports.queues import EventMessage, MessageAcks, Remaining, UnfinishedAttempts

TURN_SECONDS = 5
"""For the messages of a batch that came back: then the others are visible again, crash or not.

What is left of an invocation is more than a call to AWS can hang, so that no outage convicts.
"""
CRASHED = (
    f"crashed: fan-out ended {MAX_UNFINISHED_ATTEMPTS} times while it worked on this event alone"
)


Heartbeat = Callable[[Sequence[EventMessage]], AbstractContextManager[object]]
"""Keeps messages invisible while a context lasts, and after a crash for some seconds only."""


@dataclass(frozen=True)
class FanOutBatch:
    fan_out: FanOut
    unfinished: UnfinishedAttempts
    acks: MessageAcks
    heartbeat: Heartbeat = nullcontext

    def __call__(
        self, batch: Sequence[EventMessage], remaining: Remaining
    ) -> Sequence[EventMessage]:
        """Fan a batch out, and return the messages that must be received again."""
        if all(message.receives == 1 for message in batch):
            with self.heartbeat(batch):
                return self.fan_out(batch)
        return self._isolate(batch, remaining)

    def _isolate(self, batch: Sequence[EventMessage], remaining: Remaining) -> list[EventMessage]:
        """Process one message at a time, the least suspect first, and delete each when it is done.

        A crash delays the message that was being tried, and no other for more than a turn.
        """
        unfinished = self.unfinished.count(batch)
        turn_ends = remaining() - TURN_SECONDS
        for message in batch:
            self.acks.nack(message, seconds=TURN_SECONDS)
        again: list[EventMessage] = []
        for position, message in enumerate(_least_suspect_first(batch, unfinished)):
            is_stopped = message.group in {failed.group for failed in again}
            if is_stopped or (position and remaining() < turn_ends):
                again.append(message)
                continue
            self.acks.nack(message, seconds=remaining())  # keeps other workers away from it
            if self._is_done(message, unfinished.get(message, 0)):
                self.acks.ack([message])
            else:
                again.append(message)
        return again

    def _is_done(self, message: EventMessage, unfinished: int) -> bool:
        """Whether the message is fanned out or quarantined."""
        try:
            if unfinished >= MAX_UNFINISHED_ATTEMPTS:
                self.fan_out.quarantine(message, CRASHED)
                return True
            if message.receives == 1:
                return self._is_fanned_out(message)
            self.unfinished.save(message, unfinished + 1)
        except InfrastructureError as error:
            self._log(error)
            return False
        done = self._is_fanned_out(message)
        self._save_outcome(message)
        return done

    def _save_outcome(self, message: EventMessage) -> None:
        """Take back every announcement: this worker lives.

        If that fails, the message is done or comes again all the same.
        """
        try:
            self.unfinished.save(message, 0)
        except InfrastructureError as error:
            self._log(error)

    def _is_fanned_out(self, message: EventMessage) -> bool:
        try:
            return not self.fan_out([message])
        except Exception as error:  # noqa: BLE001  an error is an outcome: this worker lives
            self._log(error)
            return False

    def _log(self, error: Exception) -> None:
        self.fan_out.telemetry.internal_error(error, doing="fan out")


def _least_suspect_first(
    batch: Sequence[EventMessage], unfinished: Mapping[EventMessage, int]
) -> list[EventMessage]:
    """Sort groups by their suspicion; a group keeps its order."""
    suspicion: dict[str, tuple[int, bool]] = {}
    for message in batch:
        so_far = suspicion.get(message.group, (0, False))
        suspicion[message.group] = max(so_far, (unfinished.get(message, 0), message.receives > 1))
    return sorted(batch, key=lambda message: suspicion[message.group])
