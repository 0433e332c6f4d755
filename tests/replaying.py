"""A subscription with a past: its events, its deliveries, and the functions that replay them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from lakehook.domain.attempt import Attempt, Outcome
from lakehook.domain.delivery import Delivery, Lane
from lakehook.domain.lane import DeliveryRecord, DeliveryStatus
from lakehook.domain.replay import Replay, ReplayRequest
from lakehook.domain.subscription import Subscription
from lakehook.replay.manage import CountReplay, LookUpReplays, Started, StartReplay
from tests.builders import a_notice
from tests.delivering import DeliverFunction
from tests.fakes import NOON, FakeJournal, FakeRandom, Sending
from tests.fakes_replay import FakeReplayStore
from tests.fanning_out import FanOutFunction
from tests.journaling import accept
from tests.ticking import a_tick

LIFE = ("CREATED", "RUNNING", "COMPLETED")
SUCCESS = Attempt(at=NOON, outcome=Outcome.DELIVERED, milliseconds=5, status=200)


class World(DeliverFunction):
    def __init__(self) -> None:
        super().__init__()
        self.random, self.journal = FakeRandom(), FakeJournal(clock=self.clock)
        self.replays = FakeReplayStore()
        self.warnings: list[str] = []
        self.time_left = 900.0
        self.kept_days = 30

    # --- the past ---

    def pass_through(self, pipeline: int, *states: str) -> None:
        """Record that a pipeline went through these states, without deliveries."""
        for state in states or LIFE:
            event_type, event_id = f"PIPELINE_{state}", f"{pipeline}{state}"
            accept(self.journal, pipeline_id=pipeline, event_type=event_type, event_id=event_id)

    def record(self, pipeline: int, status: DeliveryStatus, *sequences: int) -> None:
        """Record the status of some of its deliveries."""
        for sequence in sequences:
            record = DeliveryRecord.waiting(self.delivery(pipeline, sequence))
            if status is DeliveryStatus.DELIVERED:
                record = record.with_attempt(SUCCESS)
            self.ledger.save(replace(record, status=status), before=None, after=None)

    def delivery(self, pipeline: int, sequence: int) -> Delivery:
        history = self.journal.events(str(pipeline))
        return Delivery(Lane("sub_a", str(pipeline)), history[sequence - 1].sequenced)

    # --- replaying ---

    @property
    def subscription(self) -> Subscription:
        return self.subscriptions.by_id["sub_a"]

    @property
    def count(self) -> CountReplay:
        return CountReplay(self.journal, self.ledger, self.clock)

    @property
    def start_replay(self) -> StartReplay:
        return StartReplay(
            self.replays,
            self.count,
            self.clock,
            self.random,
            self.warnings.append,
            journal_keeps_seconds=self.kept_days * 86_400.0,
        )

    @property
    def look_up(self) -> LookUpReplays:
        return LookUpReplays(self.replays)

    def start(self, since: str = "1h", **fields: Any) -> Started:
        criteria = self.start_replay.criteria(ReplayRequest(since=since, **fields))
        return self.start_replay(self.subscription, criteria)

    def tick(self) -> int:
        tick = a_tick(
            self.ledger,
            self.queue,
            self.clock,
            replays=self.replays,
            subscriptions=self.subscriptions,
            journal=self.journal,
            telemetry=self.telemetry,
        )
        return tick.process_replays()

    def replay(self, **fields: Any) -> Replay:
        """Run a replay from its start to its end, a tick a minute."""
        started = self.start(**fields).replay
        return self.tick_until_ended(started)

    def tick_until_ended(self, started: Replay) -> Replay:
        for _ in range(100):
            self.tick()
            if not (replay := self.look_up(started.id)).is_open:
                return replay
            self.clock.sleep(60)
        raise AssertionError(f"{replay} does not end")

    # --- delivering ---

    def process_resumes(self) -> None:
        """Process the enqueued resumes in their order."""
        while self.queue.resumes:
            resume = self.queue.resumes.pop(0)
            if held := self.ledger.lanes.get(resume.lane):
                self.clock.time = max(self.clock.time, held.due_at)
            self.receive(resume)

    def fan_out(self, pipeline: int, state: str) -> Sequence[Delivery]:
        """Fan out a new event of a pipeline."""
        function = FanOutFunction(journal=self.journal, subscriptions=self.subscriptions)
        function.fan_out([a_notice(pipeline_id=pipeline, event_type=f"PIPELINE_{state}")])
        return function.queue.sent

    @property
    def sent(self) -> list[Sending]:
        return self.attempts.sent

    @property
    def received_ids(self) -> list[str]:
        return [sending.id.removeprefix("sub_a#") for sending in self.sent]

    def statuses(self, pipeline: int) -> list[DeliveryStatus]:
        lane = Lane("sub_a", str(pipeline))
        return [self.ledger.records[lane, n].status for n in self.ledger.sequences[lane]]
