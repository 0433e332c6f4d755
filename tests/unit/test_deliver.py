from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from lakehook.delivery.lane_state import PAUSES_SECONDS
from lakehook.domain.attempt import Attempt, Outcome
from lakehook.domain.delivery import Lane
from lakehook.domain.errors import InfrastructureError, LaneConflict
from lakehook.domain.lane import (
    MAX_UNFINISHED_ATTEMPTS,
    DeliveryRecord,
    DeliveryStatus,
    HeldLane,
    SuspendedReason,
)
from lakehook.domain.queue_message import Ack, Disposition, Message, Nack, Resume
from lakehook.domain.retry import RetrySchedule
from lakehook.domain.subscription import Ordering
from lakehook.ports.stores import DueItem
from tests.builders import a_delivery, a_subscription
from tests.delivering import DeliverFunction
from tests.fakes import NOON, Sending

LANE = Lane("sub_a", "39")
FIRST, SECOND, THIRD = "sub_a#39#1", "sub_a#39#2", "sub_a#39#3"
MONTH = 30 * 24 * 3600


class World(DeliverFunction):
    """The deliver function with a single lane."""

    def set_ordering(self, ordering: Ordering) -> None:
        self.subscriptions.put(a_subscription(ordering=ordering))

    def die(self, *followers: Message) -> None:
        """Let the first delivery spend its budget, with others behind it."""
        self.schedule = RetrySchedule((0.1,))
        self.fail(FIRST, times=2)
        self.receive(a_delivery(1), *followers)

    def redrive(self, sequence: int) -> list[Disposition]:
        return self.receive(a_delivery(sequence), redriven=True)

    def fail(self, delivery_id: str, times: int = 1, **hint: float) -> None:
        self.attempts.script[delivery_id] = [self.attempts.failure(**hint)] * times

    def resume(self) -> list[Disposition]:
        """Resume the lane as the scheduler does once it is due."""
        held = self.ledger.lanes[LANE]
        self.clock.time = max(self.clock.time, held.due_at or 0.0)
        token = self.ledger.lease(DueItem.of(held), until=self.clock.time + 300)
        assert token
        return self.receive(Resume(LANE, token))

    def status(self, sequence: int) -> DeliveryStatus:
        return self.ledger.records[LANE, sequence].status


@pytest.fixture
def world() -> World:
    return World()


def test_a_delivery_in_a_flowing_lane_costs_one_read_and_one_write(world: World):
    assert world.receive(a_delivery(1)) == [Ack()]

    assert world.attempts.message_ids == [FIRST]
    assert world.status(1) is DeliveryStatus.DELIVERED
    assert world.ledger.records[LANE, 1].delivery is None, "its event is not kept"
    ledger = world.ledger
    assert (ledger.reads, ledger.writes, ledger.healths.writes) == (1, 1, 0)


def test_a_failed_attempt_holds_the_lane_and_comes_again_by_the_schedule(world: World):
    world.fail(FIRST)

    assert world.receive(a_delivery(1)) == [Nack(5.0)]

    assert world.status(1) is DeliveryStatus.WAITING
    assert world.ledger.lanes[LANE].head == 1
    assert world.telemetry.reports == [("attempted", world.clock.time + 5)]


def test_a_retry_that_is_due_before_its_failure_is_written_goes_at_once(world: World):
    """The wait is over by then; a negative one would be an internal error."""
    world.fail(FIRST)
    save = world.ledger.save

    def slow(*args: Any, **kwargs: Any) -> DeliveryRecord:
        world.clock.time += 7
        return save(*args, **kwargs)

    world.ledger.save = slow  # type: ignore[method-assign]
    began_at = world.clock.time

    assert world.receive(a_delivery(1)) == [Ack()]

    assert world.attempts.message_ids == [FIRST, FIRST]
    assert world.clock.time == began_at + 14


def test_a_redriven_message_of_sqs_goes_before_waiting_ones_and_is_late(world: World):
    world.fail(SECOND)
    world.receive(a_delivery(2))
    went: list[Sending] = []
    world.attempts.during = went.append
    moved = replace(a_delivery(1), late=True)

    assert world.receive(moved, redriven=True) == [Ack()]  # recorded, as the new head
    assert world.resume() == [Ack()]

    assert went == [
        Sending(FIRST, late=True, replayed=False),
        Sending(SECOND, late=False, replayed=False),
    ]
    assert world.ledger.lanes == {}


def test_a_redriven_message_of_sqs_goes_before_a_letter_that_holds_the_lane(world: World):
    world.schedule = RetrySchedule((0.1,))
    world.fail(SECOND, times=2)
    world.receive(a_delivery(2))

    assert world.receive(replace(a_delivery(1), late=True), redriven=True) == [Ack()]

    held = world.ledger.lanes[LANE]
    assert (held.head, held.due_at) == (1, world.clock.now())


def test_deliveries_behind_a_failed_head_wait_and_follow_it_in_order(world: World):
    world.fail(FIRST)
    assert world.receive(a_delivery(1), a_delivery(2), a_delivery(3)) == [Nack(5.0), Ack(), Ack()]
    assert world.attempts.message_ids == [FIRST]
    assert world.status(2) is world.status(3) is DeliveryStatus.WAITING
    world.clock.time += 5

    assert world.receive(a_delivery(1)) == [Ack()]

    assert world.attempts.message_ids == [FIRST, FIRST, SECOND, THIRD]
    assert world.ledger.lanes == {}


def test_the_head_is_not_attempted_before_its_time(world: World):
    world.fail(FIRST)
    world.receive(a_delivery(1))
    world.clock.time += 3

    assert world.receive(a_delivery(1)) == [Nack(2.0)]

    assert world.attempts.message_ids == [FIRST]


def test_a_long_wait_leaves_the_queue_and_a_resume_brings_it_back(world: World):
    world.fail(FIRST, times=2)
    world.receive(a_delivery(1))
    world.clock.time += 5

    assert world.receive(a_delivery(1)) == [Ack()]
    assert world.receive(a_delivery(2)) == [Ack()]
    assert world.resume() == [Ack()]

    assert world.attempts.message_ids == [FIRST, FIRST, FIRST, SECOND]
    assert world.ledger.lanes == {}


def test_less_than_a_second_is_waited_out_since_the_queue_counts_whole_ones(world: World):
    world.schedule = RetrySchedule((0.25, 0.5))
    world.fail(FIRST, times=2)
    began = world.clock.time

    assert world.receive(a_delivery(1)) == [Ack()]

    assert world.attempts.message_ids == [FIRST] * 3
    assert world.clock.time == began + 0.75


def test_a_subscription_may_have_its_own_schedule_which_never_undercuts_a_retry_after(
    world: World,
):
    world.subscriptions.put(a_subscription(retry_schedule=RetrySchedule((17, 17))))
    world.fail(FIRST)
    assert world.receive(a_delivery(1)) == [Nack(17.0)]
    world.fail(FIRST, retry_after=45.0)
    world.clock.time += 17

    assert world.receive(a_delivery(1)) == [Nack(45.0)]


def test_a_spent_budget_makes_a_dead_letter_that_stays_dead_and_holds_its_lane(world: World):
    world.die(a_delivery(2))

    (letter,) = world.dead_letters.records
    assert (letter.reason, letter.attempts, letter.sequence) == ("rejected", 2, 1)
    assert letter.delivery == a_delivery(1)
    assert (world.status(1), world.status(2)) == (DeliveryStatus.DEAD, DeliveryStatus.WAITING)
    assert world.receive(a_delivery(1)) == [Ack()]
    assert world.resume() == [Ack()]
    assert world.resume() == [Ack()]

    assert world.attempts.message_ids == [FIRST, FIRST]
    assert world.ledger.lanes[LANE].due_at is None


def test_the_letter_is_on_the_queue_before_the_ledger_says_so(world: World):
    world.schedule = RetrySchedule((0,))
    world.fail(FIRST, times=2)
    writes_at_burial = []
    bury = world.dead_letters.send

    def watch(record, *, endpoint) -> None:  # noqa: ANN001
        writes_at_burial.append(world.status(1))
        bury(record, endpoint=endpoint)

    world.dead_letters.send = watch  # type: ignore[method-assign]

    world.receive(a_delivery(1))

    assert writes_at_burial == [DeliveryStatus.WAITING]


def test_a_resume_for_a_lane_that_flows_or_with_an_old_token_does_nothing(world: World):
    assert world.receive(Resume(LANE, token=1)) == [Ack()]
    world.fail(FIRST, times=2)
    world.receive(a_delivery(1))
    world.clock.time += 5
    world.receive(a_delivery(1))

    assert world.receive(Resume(LANE, token=1)) == [Ack()]

    assert world.attempts.message_ids == [FIRST, FIRST]


def test_a_message_already_delivered_resumes_its_held_lane(world: World):
    world.receive(a_delivery(1))
    world.fail(SECOND)
    world.receive(a_delivery(2))
    world.clock.time += 5

    assert world.receive(a_delivery(1)) == [Ack()]

    assert world.attempts.message_ids == [FIRST, SECOND, SECOND]


def test_no_attempt_begins_that_the_invocation_would_not_outlive(world: World):
    world.time_left = 11.0

    assert world.receive(a_delivery(1), a_delivery(2)) == [Nack(0), Nack(0)]

    assert world.attempts.message_ids == []
    world.time_left = 15.0
    world.receive(a_delivery(1))
    assert world.attempts.end_before == NOON + 13, "time to record it, however long the keys take"


def test_an_internal_error_spends_no_attempt(world: World):
    world.attempts.script[FIRST] = [InfrastructureError("KMS is away")]

    assert world.receive(a_delivery(1)) == [Nack(15)]

    assert world.ledger.records == {}
    assert world.ledger.lanes == {}


def test_a_success_is_recorded_even_when_another_worker_has_moved_the_lane(world: World):
    world.fail(FIRST)
    world.receive(a_delivery(1), a_delivery(2))
    world.clock.time += 5

    def move(_: object) -> None:
        held = world.ledger.lanes[LANE]
        world.ledger.lanes[LANE] = held.with_appended(9, now=world.clock.now())

    world.attempts.during = move

    assert world.receive(a_delivery(1)) == [Nack(0)]

    assert world.status(1) is DeliveryStatus.DELIVERED


@pytest.mark.parametrize("is_known", [False, True], ids=["gone", "removed"])
@pytest.mark.parametrize(("redelivered", "writes"), [(False, 1), (True, 2)])
def test_a_delivery_to_a_removed_subscription_is_discarded_with_the_reason(
    world: World, *, is_known: bool, redelivered: bool, writes: int
):
    world.subscriptions.by_id = (
        {"sub_a": a_subscription(removed_at="2026-01-01T00:00:00Z")} if is_known else {}
    )

    assert world.receive(a_delivery(1), redelivered=redelivered) == [Ack()]

    assert (world.attempts.message_ids, world.ledger.writes) == ([], writes)
    assert world.telemetry.reports == [("discarded", 1)]
    assert world.status(1) is DeliveryStatus.DISCARDED
    assert world.ledger.records[LANE, 1].reason == "subscription_removed"


def test_a_held_lane_is_emptied_though_the_removal_is_not_known_everywhere_yet(world: World):
    """The lane is held at the remaining delivery, so that a worker that crashes loses nothing."""
    save, heads = world.ledger.save, list[int | None]()

    def watch(*args: Any, after: HeldLane | None, **lanes: Any) -> DeliveryRecord:
        heads.append(after and after.head)
        return save(*args, after=after, **lanes)

    world.fail(FIRST)
    world.receive(a_delivery(1), a_delivery(2))
    world.subscriptions.put(a_subscription(removed_at="2026-01-01T00:00:00Z"))
    world.subscriptions.lagging["sub_a"] = a_subscription()
    world.ledger.save = watch  # type: ignore[method-assign]

    assert world.resume() == [Ack()]

    assert world.attempts.message_ids == [FIRST]
    assert (heads, world.ledger.lanes) == ([2, None], {})
    assert world.status(1) is world.status(2) is DeliveryStatus.DISCARDED


@pytest.mark.parametrize("come", [World.resume, lambda world: world.redrive(1)])
def test_removing_a_subscription_discards_its_dead_letters_too(
    world: World, come: Callable[[World], list[Disposition]]
):
    world.schedule = RetrySchedule((0.1,))
    world.fail(FIRST, times=2)
    world.receive(a_delivery(1), a_delivery(2))
    world.subscriptions.put(a_subscription(removed_at="2026-01-01T00:00:00Z"))

    assert come(world) == [Ack()]

    assert world.ledger.lanes == {}
    assert world.status(1) is world.status(2) is DeliveryStatus.DISCARDED


def test_a_lane_that_moved_under_a_move_comes_again(world: World):
    world.fail(FIRST)
    world.receive(a_delivery(1))

    def moved(*_: object, **__: object) -> None:
        raise LaneConflict("by another")

    world.ledger.save = moved  # type: ignore[method-assign]

    assert world.receive(a_delivery(2)) == [Nack(0)]


def test_under_skip_a_dead_letter_lets_the_next_go(world: World):
    world.set_ordering(Ordering.SKIP)

    world.die(a_delivery(2))

    assert world.receive(a_delivery(1)) == [Ack()], "a late duplicate revives nothing"
    assert world.attempts.message_ids == [FIRST, FIRST, SECOND]
    assert (world.status(1), world.status(2)) == (DeliveryStatus.DEAD, DeliveryStatus.DELIVERED)
    assert world.ledger.lanes == {}


def test_a_redriven_letter_goes_ahead_of_all_that_waited_behind_it(world: World):
    world.die(a_delivery(2), a_delivery(3))

    assert world.redrive(1) == [Ack()]

    assert world.attempts.message_ids == [FIRST, FIRST, FIRST, SECOND, THIRD]
    assert world.ledger.lanes == {}


def test_a_redriven_letter_has_a_fresh_budget_and_may_be_dead_lettered_again(world: World):
    world.die(a_delivery(2))
    world.fail(FIRST, times=2)

    assert world.redrive(1) == [Ack()]

    assert [letter.attempts for letter in world.dead_letters.records] == [2, 4]
    assert world.status(2) is DeliveryStatus.WAITING


@pytest.mark.parametrize("ordering", list(Ordering))
def test_a_redriven_letter_is_marked_late_where_others_have_gone_by(
    world: World, ordering: Ordering
):
    world.set_ordering(ordering)
    world.die(a_delivery(2))
    late = []
    world.attempts.during = lambda delivery: late.append(delivery.late)

    assert world.redrive(1) == [Ack()]

    assert late[0] is (ordering is Ordering.SKIP)
    assert world.status(1) is DeliveryStatus.DELIVERED


def test_under_skip_a_letter_that_fails_again_removes_its_message(world: World):
    world.die(a_delivery(2))
    world.set_ordering(Ordering.SKIP)
    world.schedule = RetrySchedule((5,))
    world.fail(FIRST, times=2)
    world.fail(SECOND)

    assert world.redrive(1) == [Nack(5)]
    world.clock.time += 5
    assert world.redrive(1) == [Ack()], "or it would come again, and revive it once more"
    world.resume()

    assert world.attempts.message_ids == [FIRST, FIRST, FIRST, FIRST, SECOND, SECOND]
    assert (world.status(1), world.status(2)) == (DeliveryStatus.DEAD, DeliveryStatus.DELIVERED)


def test_a_letter_that_is_redriven_after_an_earlier_one_waits_behind_it(world: World):
    world.set_ordering(Ordering.SKIP)
    world.fail(SECOND, times=2)
    world.die(a_delivery(2))
    world.schedule = RetrySchedule((5,))
    world.fail(FIRST)
    world.redrive(1)

    assert world.redrive(2) == [Nack(5)]
    assert world.attempts.message_ids == [FIRST, FIRST, SECOND, SECOND, FIRST]
    world.resume()

    assert world.attempts.message_ids[5:] == [FIRST, SECOND]


@pytest.mark.parametrize("fate", ["skipped", "skipped, after a month", "discarded"])
def test_a_lane_behind_a_letter_flows_when_nothing_else_waits(world: World, fate: str):
    world.die()
    if fate == "discarded":
        world.ledger.keep(world.ledger.records[LANE, 1].discarded("by hand"))
    elif fate == "skipped":
        world.set_ordering(Ordering.SKIP)
    else:
        paused(world, Ordering.SKIP)
        world.clock.sleep(MONTH)

    assert world.resume() == [Ack()]

    assert world.ledger.lanes == {}


def test_a_failed_delivery_behind_a_skipped_letter_has_a_budget_of_its_own(world: World):
    world.die(a_delivery(2))
    world.set_ordering(Ordering.SKIP)
    world.schedule = RetrySchedule((5,))
    world.fail(SECOND)

    world.resume()

    held = world.ledger.lanes[LANE]
    assert (held.head, held.attempts) == (2, 1)


def test_gone_disables_the_subscription_and_keeps_its_deliveries(world: World):
    response_gone = Attempt(
        at=world.clock.now(),
        outcome=Outcome.GONE,
        milliseconds=1,
        status=410,
        disable_requested=True,
    )
    world.attempts.script[FIRST] = [response_gone]

    assert world.receive(a_delivery(1), a_delivery(2)) == [Ack(), Ack()]

    assert world.subscriptions.by_id["sub_a"].disabled_reason == "the receiver asked for it (410)"
    assert world.attempts.message_ids == [FIRST]
    assert world.status(1) is world.status(2) is DeliveryStatus.WAITING
    assert world.ledger.lanes[LANE].due_at is None


@pytest.mark.parametrize("is_held", [False, True])
def test_a_receiver_that_takes_one_and_wants_no_more_is_not_sent_the_next(
    world: World, *, is_held: bool
):
    messages = [a_delivery(1), a_delivery(2)]
    if is_held:
        world.fail(FIRST)
        world.receive(*messages)
        world.clock.time += 5
        world.attempts.message_ids.clear()
        messages.pop()
    last = Attempt(
        at=world.clock.now(),
        outcome=Outcome.DELIVERED,
        milliseconds=1,
        status=200,
        disable_requested=True,
    )
    world.attempts.script[FIRST] = [last]

    world.receive(*messages)

    assert world.attempts.message_ids == [FIRST]
    assert (world.status(1), world.status(2)) == (DeliveryStatus.DELIVERED, DeliveryStatus.WAITING)
    held = world.ledger.lanes[LANE]
    assert (held.head, held.suspended_reason) == (2, SuspendedReason.BLOCKED)


def test_an_aborted_delivery_lets_its_lane_continue(world: World):
    aborted = Attempt(at=world.clock.now(), outcome=Outcome.ABORTED, milliseconds=1, status=500)
    world.attempts.script[FIRST] = [aborted]

    assert world.receive(a_delivery(1), a_delivery(2)) == [Ack(), Ack()]

    assert (world.status(1), world.status(2)) == (DeliveryStatus.ABORTED, DeliveryStatus.DELIVERED)


def test_while_a_subscription_is_paused_everything_waits_and_afterwards_goes_in_order(world: World):
    world.subscriptions.put(a_subscription(paused_at="2026-01-01T00:00:00Z"))
    assert world.receive(a_delivery(1), a_delivery(2)) == [Ack(), Ack()]
    assert world.ledger.writes == 2
    assert world.resume() == [Ack()]
    assert world.attempts.message_ids == []

    world.subscriptions.put(a_subscription())
    assert world.resume() == [Ack()]

    assert world.attempts.message_ids == [FIRST, SECOND]
    assert world.ledger.lanes == {}


def test_the_end_of_a_pause_is_read_before_a_lane_is_held_for_it(world: World):
    world.subscriptions.lagging["sub_a"] = a_subscription(paused_at="2026-01-01T00:00:00Z")

    assert world.receive(a_delivery(1)) == [Ack()]

    assert world.attempts.message_ids == [FIRST]


class Killed(BaseException):
    """The worker was killed during an attempt."""


def kill(_: object) -> None:
    raise Killed


def test_a_delivery_that_kills_its_worker_repeatedly_is_a_dead_letter(world: World):
    world.attempts.during = kill

    for redelivered in (False, True, True, True):
        with pytest.raises(Killed):
            world.receive(a_delivery(1), redelivered=redelivered)
    assert world.receive(a_delivery(1), redelivered=True) == [Ack()]

    (letter,) = world.dead_letters.records
    assert (letter.reason, letter.attempts, letter.attempts_started) == ("crashed", 3, 3)
    assert world.status(1) is DeliveryStatus.DEAD


def test_a_resume_that_kills_its_workers_makes_a_dead_letter_too(world: World):
    world.fail(FIRST)
    world.receive(a_delivery(1))
    world.attempts.during = kill
    for _ in range(3):
        with pytest.raises(Killed):
            world.resume()

    assert world.resume() == [Ack()]

    assert [letter.reason for letter in world.dead_letters.records] == ["crashed"]


def test_an_outcome_clears_the_count_of_started_attempts(world: World):
    world.attempts.during = kill
    for _ in range(3):
        with pytest.raises(Killed):
            world.receive(a_delivery(1), redelivered=True)
    world.attempts.during = lambda _: None
    world.ledger.records[LANE, 1] = world.ledger.records[LANE, 1].with_attempt(
        world.attempts.failure()
    )

    assert world.receive(a_delivery(1), redelivered=True) == [Ack()]

    assert world.status(1) is DeliveryStatus.DELIVERED


def test_a_delivery_or_a_redriven_letter_that_comes_twice_is_attempted_once(world: World):
    assert world.receive(a_delivery(1), a_delivery(1)) == [Ack(), Ack()]
    assert world.receive(a_delivery(1)) == [Ack()]
    assert world.attempts.message_ids == [FIRST]

    world.schedule = RetrySchedule((0.1,))
    world.fail(SECOND, times=2)
    world.receive(a_delivery(2))
    world.receive(a_delivery(2), a_delivery(2), redriven=True)
    world.redrive(2)

    assert world.attempts.message_ids == [FIRST, SECOND, SECOND, SECOND]


def test_outages_that_also_stop_the_ledger_dead_letter_no_delivery(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    save, away = world.ledger.save, [False]

    def save_if_there(*args: Any, **lanes: Any) -> DeliveryRecord:
        if away[0]:
            raise InfrastructureError("DynamoDB is away")
        return save(*args, **lanes)

    monkeypatch.setattr(world.ledger, "save", save_if_there)
    for is_lost in [True, False] * MAX_UNFINISHED_ATTEMPTS:
        world.attempts.script[FIRST] = [InfrastructureError("KMS is away")]
        world.attempts.during = lambda _, is_lost=is_lost: away.__setitem__(0, is_lost)
        world.receive(a_delivery(1), redelivered=True)
        away[0] = False

    assert world.receive(a_delivery(1), redelivered=True) == [Ack()]

    assert world.dead_letters.records == []
    assert world.status(1) is DeliveryStatus.DELIVERED


@pytest.mark.parametrize("redelivered", [False, True], ids=["flowing", "held"])
def test_a_worker_that_comes_late_overwrites_no_success(world: World, *, redelivered: bool):
    aborted = Attempt(at=world.clock.now(), outcome=Outcome.ABORTED, milliseconds=1, status=500)
    world.attempts.script[FIRST] = [aborted]

    def another_delivers(_: object) -> None:
        record = world.ledger.records.get((LANE, 1)) or DeliveryRecord.waiting(a_delivery(1))
        world.ledger.records[LANE, 1] = record.with_attempt(world.attempts.success())

    world.attempts.during = another_delivers

    assert world.receive(a_delivery(1), redelivered=redelivered) == [Nack(0)]

    assert world.status(1) is DeliveryStatus.DELIVERED


def test_an_exclusive_attempt_checks_the_time_again_after_its_wait(world: World):
    @contextmanager
    def after_a_while() -> Iterator[None]:
        world.time_left = 5.0
        yield

    world.alone = after_a_while()

    assert world.receive(a_delivery(1), redelivered=True) == [Nack(0)]

    assert world.attempts.message_ids == []


def paused(world: World, ordering: Ordering = Ordering.STRICT) -> None:
    world.subscriptions.put(a_subscription(ordering=ordering, paused_at="2026-01-01T00:00:00Z"))


@pytest.mark.parametrize("ordering", list(Ordering))
def test_a_delivery_that_waited_a_month_for_a_paused_subscription_is_a_dead_letter(
    world: World, ordering: Ordering
):
    paused(world, ordering)
    world.receive(a_delivery(1))
    world.clock.sleep(3600)
    world.receive(a_delivery(2))
    world.clock.sleep(MONTH - 3600)

    assert world.resume() == [Ack()]

    assert [(record.sequence, record.reason) for record in world.dead_letters.records] == [
        (1, "expired")
    ]
    assert [world.status(n) for n in (1, 2)] == [DeliveryStatus.DEAD, DeliveryStatus.WAITING]
    assert world.attempts.message_ids == []
    assert world.ledger.lanes[LANE].head == (1 if ordering is Ordering.STRICT else 2)


def test_a_lane_that_skips_flows_when_all_of_it_has_expired(world: World):
    paused(world, Ordering.SKIP)
    world.receive(a_delivery(1), a_delivery(2))
    world.clock.sleep(MONTH)

    assert world.resume() == [Ack()]

    assert [record.sequence for record in world.dead_letters.records] == [1, 2]
    assert world.ledger.lanes == {}


def test_nothing_expires_before_its_month_is_over(world: World):
    world.fail(FIRST, times=2)
    world.receive(a_delivery(1))
    began = world.clock.now()
    world.clock.sleep(5)
    world.receive(a_delivery(1))
    paused(world)
    world.clock.sleep(MONTH - 6)

    assert world.resume() == [Ack()]

    assert world.status(1) is DeliveryStatus.WAITING
    held = world.ledger.lanes[LANE]
    assert (held.due_at, held.held_since) == (None, began)


def test_a_delivery_behind_a_letter_expires_however_late_the_letter_died(world: World):
    world.die(a_delivery(2))
    world.clock.sleep(MONTH)
    world.fail(FIRST, times=2)
    world.redrive(1)
    paused(world, Ordering.SKIP)

    world.resume()

    assert [(record.sequence, record.reason) for record in world.dead_letters.records[2:]] == [
        (2, "expired")
    ]


def test_a_letter_redriven_to_a_paused_subscription_has_another_month(world: World):
    world.die()
    world.clock.sleep(MONTH)
    paused(world)
    world.redrive(1)

    assert world.resume() == [Ack()]

    assert world.status(1) is DeliveryStatus.WAITING
    # So it is looked at again when that month is over, and not before.
    assert world.ledger.lanes[LANE].held_since == world.clock.now()


def test_the_outcome_of_an_attempt_is_written_though_the_ledger_fails_twice(world: World):
    write, failures = world.ledger.save, [InfrastructureError("away"), InfrastructureError("away")]

    def failing(*args: object, **changes: object) -> DeliveryRecord:
        if failures:
            raise failures.pop()
        return write(*args, **changes)  # type: ignore[arg-type]

    world.fail(FIRST)
    world.receive(a_delivery(1), a_delivery(2))
    world.clock.time += 5
    world.ledger.save = failing  # type: ignore[method-assign]
    began = world.clock.now()

    assert world.receive(a_delivery(1)) == [Ack()]

    assert world.attempts.message_ids == [FIRST, FIRST, SECOND]
    assert world.status(1) is world.status(2) is DeliveryStatus.DELIVERED
    assert world.clock.now() == began + sum(PAUSES_SECONDS)


def test_an_event_that_a_format_does_not_support_is_discarded_and_its_lane_moves_on(world: World):
    world.subscriptions.put(a_subscription(channel="devlake"))
    stalled = a_delivery(1, event_type="PIPELINE_STALLED")

    assert world.receive(stalled, a_delivery(2)) == [Ack(), Ack()]

    assert world.attempts.message_ids == [SECOND]
    assert world.ledger.records[LANE, 1].reason == "unsupported_by_channel"
