"""What operators do to a running system: pause, redrive from the command line or the console."""

from collections.abc import Collection
from dataclasses import dataclass

from lakehook.adapters.sqs_redrive import SqsRedrives
from lakehook.domain.lane import DeliveryRecord
from lakehook.pause import Enable, Pause, Unpause, WakeGently
from lakehook.redrive import Redrive
from tests.simulation.history import EVERYONE
from tests.simulation.system import System
from tests.simulation.wiring import DEAD, DELIVERIES

PAUSED_SECONDS = 300.0


class NoCopies:
    """The command dies before it takes the queue's copies away, which loses nothing."""

    def remove(self, letters: Collection[DeliveryRecord]) -> int:
        return 0


@dataclass(frozen=True)
class Operator:
    system: System

    def act(self, action: str, subscription: str) -> None:
        self._tell(action, subscription)
        {"pause": self.pause, "redrive": self.redrive, "console": self.console}[action](
            subscription
        )

    def pause(self, subscription: str) -> None:
        known, timeline = self.system.subscriptions, self.system.timeline
        Pause(known, timeline)(known.known[subscription])
        timeline.at(timeline.now() + PAUSED_SECONDS, lambda: self.unpause(subscription))

    def unpause(self, subscription: str) -> None:
        self._tell("unpause", subscription)
        known = self.system.subscriptions
        Unpause(known, self._wake)(known.known[subscription])

    def enable(self, subscription: str) -> None:
        self._tell("enable", subscription)
        known = self.system.subscriptions
        Enable(known, self.system.ledger.healths, self._wake)(known.known[subscription])

    def redrive(self, subscription: str) -> None:
        """By the command: what the ledger has dead."""
        system = self.system
        redrives = SqsRedrives(system.sqs, DELIVERIES, system.dice)
        letters = list(system.ledger.dead_of(subscription))
        Redrive(system.subscriptions, redrives, NoCopies())(letters)

    def console(self, _subscription: str) -> None:
        """By the button: whatever the dead-letter queue holds moves back."""
        source, destination = self.system.queues[DEAD], self.system.queues[DELIVERIES]
        while message := source.next_free():
            source.move(message, destination)
        self.system.sources[DELIVERIES].poke()

    @property
    def _wake(self) -> WakeGently:
        return WakeGently(self.system.ledger, self.system.timeline)

    def _tell(self, action: str, subscription: str) -> None:
        now = self.system.timeline.now()
        self.system.history.tell(now, EVERYONE, "an operator does", action, "for", subscription)
