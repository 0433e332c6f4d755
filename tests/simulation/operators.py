"""Operators' actions on a running system, from the command line or the console."""

from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from random import Random
from typing import Any

from lakehook.adapters.sqs.dead_letters import SqsDeadLetterQueue, SqsDeadLetterRedriver
from lakehook.dead_letters import Discard, Redrive
from lakehook.domain.errors import InvalidInput, LaneConflict
from lakehook.domain.lane import DeliveryRecord, HeldLane
from lakehook.domain.replay import DeliveryFilter, ReplayRequest
from lakehook.domain.subscription import Ordering
from lakehook.ports.queues import DeadLetterQueue
from lakehook.ports.stores import Ledger
from lakehook.replay.manage import CountReplay, StartReplay
from lakehook.subscriptions.lifecycle import (
    EnableSubscription,
    PauseSubscription,
    ResumeLanesGradually,
    ResumeSubscription,
    Unsubscribe,
)
from tests.simulation.history import EVERYONE
from tests.simulation.system import System
from tests.simulation.wiring import DEAD, DELIVERIES

PAUSED_SECONDS = 300.0
DAY = 86_400.0


@dataclass(frozen=True)
class Interrupted:
    """The ledger, as far as a command gets that is interrupted after so many lanes."""

    ledger: Ledger
    after: int

    def held_lanes(self, subscription_id: str) -> Iterator[HeldLane]:
        return islice(self.ledger.held_lanes(subscription_id), self.after)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.ledger, name)


class NoCopies(SqsDeadLetterQueue):
    """The command dies before it takes the queue's copies away, which loses nothing."""

    def delete_copies(self, records: Collection[DeliveryRecord]) -> int:
        return 0


@dataclass(frozen=True)
class Operator:
    system: System

    def act(self, action: str, subscription: str) -> None:
        if self.system.subscriptions.by_id[subscription].removed_at:
            return
        self._log(action, subscription)
        getattr(self, action)(subscription)

    def pause(self, subscription: str) -> None:
        subscriptions, timeline = self.system.subscriptions, self.system.timeline
        if subscriptions.by_id[subscription].paused_at:
            return
        PauseSubscription(subscriptions, timeline)(subscriptions.by_id[subscription])
        ends = timeline.now() + PAUSED_SECONDS
        timeline.at(ends, lambda: self.act("unpause", subscription), about="unpause")

    def unpause(self, subscription: str) -> None:
        subscriptions = self.system.subscriptions
        if paused_at := subscriptions.by_id[subscription].paused_at:
            began = datetime.fromisoformat(paused_at).timestamp()
            self.system.history.pauses[subscription].append((began, self.system.timeline.now()))
        ResumeSubscription(subscriptions, self._wake)(subscriptions.by_id[subscription])

    def enable(self, subscription: str) -> None:
        subscriptions, history = self.system.subscriptions, self.system.history
        if (disabled_at := history.disabled.pop(subscription, None)) is not None:
            history.pauses[subscription].append((disabled_at, self.system.timeline.now()))
        enable = EnableSubscription(subscriptions, self.system.ledger.healths, self._wake)
        enable(subscriptions.by_id[subscription])

    def skip(self, subscription: str) -> None:
        """Let dead letters hold up no delivery any more."""
        subscriptions = self.system.subscriptions
        skips = replace(subscriptions.by_id[subscription], ordering=Ordering.SKIP)
        self._wake(subscriptions.save(skips))

    def remove(self, subscription: str) -> None:
        system = self.system
        unsubscribe = Unsubscribe(system.subscriptions, system.ledger, system.timeline)
        unsubscribe(system.subscriptions.by_id[subscription], discard_waiting=True)

    def redrive(self, subscription: str) -> None:
        """Redrive by the command: all dead letters of the ledger."""
        system = self.system
        redrives = SqsDeadLetterRedriver(system.sqs, DELIVERIES, system.random_port)
        letters = list(system.ledger.dead_letters(subscription))
        Redrive(system.subscriptions, redrives, self._copies)(letters)

    def discard(self, subscription: str) -> None:
        system = self.system
        letters = list(system.ledger.dead_letters(subscription))
        with suppress(LaneConflict):  # the operator reads that it is at work, and tries again
            Discard(system.ledger, self._copies, system.timeline)(letters)

    def replay(self, subscription: str) -> None:
        """Replay everything so far, or the deliveries of one status."""
        statuses = (DeliveryFilter.ANY, *DeliveryFilter)
        self.replay_status(subscription, self.system.random.choice(statuses))

    def replay_status(self, subscription: str, status: DeliveryFilter) -> None:
        """Start a replay, which is refused while another is open."""
        system = self.system
        count = CountReplay(system.journal, system.ledger, system.timeline)
        start = StartReplay(
            system.replays,
            count,
            system.timeline,
            system.random_port,
            warn=lambda _: None,
            journal_keeps_seconds=30 * DAY,
        )
        rate = system.random.choice(("10/s", "3/m"))
        terms = start.criteria(ReplayRequest(since="1d", status=status, rate=rate))
        with suppress(InvalidInput):
            start(system.subscriptions.by_id[subscription], terms)

    def console(self, _subscription: str) -> None:
        """Redrive by SQS's console: all messages of the dead-letter queue move back."""
        source, destination = self.system.queues[DEAD], self.system.queues[DELIVERIES]
        while message := source.next_free():
            source.move(message, destination)
            self.system.history.redriven(message.group_id, message.body, message.attributes)
        self.system.sources[DELIVERIES].plan_poll()

    @property
    def _wake(self) -> ResumeLanesGradually:
        """The command is interrupted, as often as not: the scheduler finds the lanes it missed."""
        system = self.system
        chance = Random(f"{system.scenario.seed}/{system.history.happened}")
        reached = Interrupted(system.ledger, after=chance.choice((0, 1, 3, 999, 999, 999)))
        return ResumeLanesGradually(reached, system.timeline)  # type: ignore[arg-type]

    @property
    def _copies(self) -> DeadLetterQueue:
        finds = self.system.random.random() < 0.5
        return (
            SqsDeadLetterQueue(self.system.sqs, DEAD) if finds else NoCopies(self.system.sqs, DEAD)
        )

    def _log(self, action: str, subscription: str) -> None:
        now = self.system.timeline.now()
        self.system.history.log(now, EVERYONE, "an operator does", action, "for", subscription)
