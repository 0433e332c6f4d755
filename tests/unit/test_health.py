from dataclasses import replace

import pytest

from lakehook.domain.attempt import Attempt, Outcome
from lakehook.domain.circuit_breaker import PERMITS, EndpointHealth
from lakehook.domain.delivery import Lane
from lakehook.domain.retry import RetrySchedule
from tests.fakes import NOON

WELL = EndpointHealth(subscription_id="sub_a")
SCHEDULE = RetrySchedule((5, 60, 7200))


def an_attempt(outcome: Outcome, *, milliseconds: int = 10, **fields: float) -> Attempt:
    return Attempt(at=NOON, outcome=outcome, milliseconds=milliseconds, **fields)


SUCCESS, FAILURE = an_attempt(Outcome.DELIVERED), an_attempt(Outcome.REJECTED)


def after(
    health: EndpointHealth, *attempts: Attempt, lanes: int = 5, now: float = NOON
) -> EndpointHealth:
    """Apply attempts one after the other, from so many lanes in turn."""
    for index, attempt in enumerate(attempts):
        lane = Lane("sub_a", str(index % lanes))
        health = health.with_attempt(attempt, lane, schedule=SCHEDULE, now=now)
    return health


def test_a_quick_success_at_a_healthy_endpoint_needs_no_record():
    assert not WELL.is_affected_by(SUCCESS)
    assert WELL.is_affected_by(FAILURE)
    assert WELL.is_affected_by(an_attempt(Outcome.DELIVERED, milliseconds=2001))
    assert after(WELL, FAILURE).is_affected_by(SUCCESS)


def test_five_failures_in_a_row_of_three_lanes_open_the_breaker():
    assert not after(WELL, *[FAILURE] * 4).is_open
    assert after(WELL, *[FAILURE] * 5).is_open
    assert not after(WELL, *[FAILURE] * 50, lanes=2).is_open
    assert after(WELL, *[FAILURE] * 4, an_attempt(Outcome.ABORTED)).failures == 0


def test_a_success_ends_the_row_and_leaves_no_record():
    row = after(WELL, *[FAILURE] * 4, SUCCESS)

    assert row.is_healthy
    assert not after(row, *[FAILURE] * 4).is_open


def test_failed_probes_come_by_the_schedule_and_at_most_five_minutes_apart():
    health = after(WELL, *[FAILURE] * 5)
    waits = []
    for _ in range(4):
        waits.append((health.due_at or 0) - NOON)
        health = after(health, FAILURE)

    assert waits == [5, 60, 300, 300]


def test_each_success_after_the_breaker_has_closed_resumes_twice_as_many():
    health = after(WELL, *[FAILURE] * 5)
    woken = []
    for _ in range(9):
        health = after(health, SUCCESS)
        woken.append(health.resume_batch_size)

    assert woken == [1, 2, 4, 8, 16, 16, 16, 16, 16]
    assert not health.is_open
    assert health.with_nothing_left_to_resume(NOON).is_healthy


def test_a_failure_while_lanes_are_resumed_slows_it_down_and_opens_no_breaker():
    waking = after(WELL, *[FAILURE] * 5, SUCCESS, SUCCESS, SUCCESS)

    failed = after(waking, FAILURE)

    assert waking.resume_batch_size == 4
    assert not failed.is_open
    assert failed.resume_batch_size == 1


def test_days_of_failing_on_several_lanes_are_too_long():
    health = after(WELL, FAILURE, FAILURE)
    five_days = 5 * 24 * 3600

    assert not health.has_failed_too_long(NOON + five_days - 1)
    assert health.has_failed_too_long(NOON + five_days)
    assert not after(WELL, FAILURE, FAILURE, lanes=1).has_failed_too_long(NOON + five_days)


@pytest.mark.parametrize(("milliseconds", "slow"), [(1900, False), (3000, True), (20000, True)])
def test_an_endpoint_whose_attempts_take_two_seconds_on_average_is_slow(
    milliseconds: int, *, slow: bool
):
    health = after(WELL, *[an_attempt(Outcome.DELIVERED, milliseconds=milliseconds)] * 10)

    assert health.is_slow is slow


def test_slow_attempts_add_up_though_no_record_of_a_healthy_endpoint_is_kept():
    health = WELL
    for _ in range(10):
        health = after(health, an_attempt(Outcome.DELIVERED, milliseconds=3000))
        health = WELL if health.is_healthy else health

    assert health.is_slow


def test_two_slow_attempts_in_a_hundred_do_not_make_an_endpoint_slow():
    slow = an_attempt(Outcome.DELIVERED, milliseconds=10000)
    health, slow_at_some_time = WELL, 0
    for attempt in ([slow] + [SUCCESS] * 49) * 4:
        health = after(health, attempt) if health.is_affected_by(attempt) else health
        slow_at_some_time += health.is_slow

    assert slow_at_some_time == 0


def test_a_slow_endpoint_has_a_few_slots_that_are_free_again_after_a_while():
    health = replace(WELL, average_ms=5000.0)
    for _ in range(PERMITS):
        with_permit = health.with_permit_acquired(NOON + 60, NOON)
        assert with_permit
        health = with_permit

    assert health.with_permit_acquired(NOON + 60, NOON) is None
    assert health.with_permit_released(NOON + 60, NOON).with_permit_acquired(NOON + 60, NOON)
    assert health.with_permit_acquired(NOON + 90, NOON + 61)


def test_an_endpoint_that_leaves_an_attempt_unanswered_gets_no_other_and_then_a_second():
    unanswered = WELL.with_unanswered(NOON, NOON + 30, NOON + 0.5)
    assert unanswered

    assert unanswered.is_full(NOON + 1.9)
    canary = unanswered.with_permit_acquired(NOON + 32, NOON + 2)
    assert canary
    assert canary.is_full(NOON + 29)
    assert not canary.is_full(NOON + 30), "a worker that died holds no permit any longer"


def test_a_responding_endpoint_is_no_longer_limited_and_its_lanes_are_resumed():
    unanswered = WELL.with_unanswered(NOON, NOON + 30, NOON + 0.5)
    assert unanswered

    for answered_health in (after(unanswered, SUCCESS), after(unanswered, FAILURE)):
        assert not answered_health.is_limited
        assert answered_health.resume_batch_size


def test_a_rejected_message_shows_that_the_endpoint_answers_and_nothing_else():
    rejected = an_attempt(Outcome.UNACCEPTABLE, status=400)
    unanswered = WELL.with_unanswered(NOON, NOON + 30, NOON + 0.5)
    assert unanswered

    answered_health = after(unanswered, rejected)

    assert not WELL.is_affected_by(rejected)
    assert unanswered.is_affected_by(rejected)
    assert not answered_health.is_limited
    assert (answered_health.resume_batch_size, answered_health.failures) == (1, 0)
    assert answered_health.is_affected_by(rejected), (
        "the next ones resume the lanes that still wait"
    )


def test_a_message_that_was_not_sent_shows_nothing_of_the_endpoint():
    unsent = an_attempt(Outcome.TEMPLATE_FAILED)
    unanswered = WELL.with_unanswered(NOON, NOON + 30, NOON + 0.5)
    assert unanswered

    assert not unanswered.is_affected_by(unsent)
    assert after(unanswered, unsent).is_limited
    slow = replace(WELL, average_ms=2100.0, resume_batch_size=1)
    assert slow.is_affected_by(unsent), "the next lane goes in its place"
    assert after(slow, unsent).is_slow


def test_after_a_timeout_one_attempt_at_a_time_shows_whether_it_answers_again():
    hanging = after(WELL, an_attempt(Outcome.TIMED_OUT, milliseconds=10000))
    probed = hanging.with_permit_acquired(NOON + 30, NOON)
    assert probed

    assert hanging.is_limited
    assert probed.is_full(NOON + 29)
    assert not after(probed, SUCCESS).is_limited


def test_many_unanswered_attempts_write_no_more_than_is_needed():
    health = WELL
    for number in range(PERMITS):
        marked = health.with_unanswered(NOON + number, NOON + 30 + number, NOON + 5)
        assert marked
        health = marked

    assert health.unanswered_since == NOON
    assert health.with_unanswered(NOON + 4, NOON + 34, NOON + 5) is None


def test_a_hint_holds_for_the_whole_endpoint_whatever_fails_after_it():
    hinted = after(WELL, an_attempt(Outcome.THROTTLED, retry_after=900.0))

    assert after(hinted, FAILURE, now=NOON + 10).due_at == NOON + 900


def test_a_hint_of_a_lane_is_no_hint_of_its_endpoint():
    refused = an_attempt(Outcome.REJECTED, retry_after=86400.0)

    opened = after(WELL, refused, an_attempt(Outcome.THROTTLED))

    assert opened.due_at == NOON + 5


def test_a_probe_is_made_by_one_when_it_is_time():
    opened = after(WELL, an_attempt(Outcome.THROTTLED))

    probed = opened.with_probe_started(NOON + 5)

    assert opened.with_probe_started(NOON + 4.9) is None
    assert probed is not None
    assert probed.is_open
    assert probed.with_probe_started(NOON + 34) is None
    assert WELL.with_probe_started(NOON) is None
