"""Records of held lanes: the fields that a change keeps, and those that it resets."""

from dataclasses import replace

import pytest

from lakehook.domain.delivery import Lane
from lakehook.domain.lane import DeliveryRecord, HeldLane, SuspendedReason
from tests.builders import a_delivery
from tests.fakes import NOON

HELD = replace(
    HeldLane.held_at(Lane("sub_a", "39"), 2, now=NOON),
    due_at=NOON + 300,
    retry_at=NOON + 300,
    retry_after_until=NOON + 60,
    attempts=1,
    reserved_at=NOON + 5,
)
SUSPENDED = HELD.suspended_for(SuspendedReason.CIRCUIT_OPEN)
DEAD = HELD.with_dead_head()


def test_a_delivery_behind_the_head_keeps_its_due_time_and_reason():
    for held in (HELD, replace(SUSPENDED, reserved_at=NOON + 5)):
        for changed in (
            held.with_appended(3, now=NOON),
            held.redriven(3, now=NOON),
            held.replayed(3, due_at=NOON),
        ):
            assert changed == replace(held, version=held.version + 1)


@pytest.mark.parametrize(
    ("held", "due_at"), [(HELD, HELD.due_at), (SUSPENDED, None), (DEAD, NOON + 9)]
)
def test_a_delivery_before_the_head_becomes_the_head_with_a_budget_of_its_own(
    held: HeldLane, due_at: float | None
):
    changed = held.with_appended(1, now=NOON + 9)

    assert (changed.head, changed.due_at, changed.attempts) == (1, due_at, 0)
    assert (changed.head_is_dead, changed.retry_at, changed.retry_after_until) == (False, 0.0, 0.0)
    assert changed.suspended_reason == held.suspended_reason
    assert changed.reserved_at == held.reserved_at


def test_a_replay_before_the_head_waits_for_the_retry_after():
    replayed = HELD.replayed(1, due_at=NOON)

    assert (replayed.due_at, replayed.retry_after_until) == (NOON + 60, NOON + 60)
    assert SUSPENDED.replayed(1, due_at=NOON).due_at is None


def test_a_failed_probe_waits_for_its_own_retry_or_the_longest_retry_after():
    assert HELD.probe_failed(retry_after_until=NOON).due_at == NOON + 300
    assert HELD.probe_failed(retry_after_until=NOON).retry_after_until == NOON + 60
    assert HELD.probe_failed(retry_after_until=NOON + 900).due_at == NOON + 900
    assert HELD.probe_failed(retry_after_until=NOON + 900).retry_after_until == NOON + 900


def test_a_resumed_lane_waits_for_its_retry_after():
    assert HELD.resumed(now=NOON).due_at == NOON + 60
    assert HELD.resumed(now=NOON + 90).due_at == NOON + 90


def test_a_lane_behind_a_dead_letter_waits_for_no_subscription():
    assert DEAD.blocked().suspended_reason is None
    assert HELD.blocked().suspended_reason is SuspendedReason.BLOCKED


def test_a_letter_that_comes_to_life_has_no_reason_and_no_attempt_under_way():
    dead = replace(DeliveryRecord.waiting(a_delivery(1)), attempts_started=2).dead("crashed")

    for waiting in (dead.redriven(late=True), dead.replayed(a_delivery(1), by="rpl_1")):
        assert (waiting.status, waiting.reason, waiting.attempts_started) == ("waiting", "", 0)
