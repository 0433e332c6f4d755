"""Pause, resumption and enabling of a subscription."""

from dataclasses import replace

from lakehook.domain.circuit_breaker import EndpointHealth
from lakehook.domain.delivery import Lane
from lakehook.domain.lane import DeliveryRecord, HeldLane
from lakehook.domain.subscription import Subscription
from tests.builders import a_delivery, a_subscription
from tests.fakes import NOON
from tests.fakes_ops import FakeStack


def save(stack: FakeStack, **changes: object) -> Subscription:
    subscription = a_subscription(**changes)
    stack.subscriptions.put(subscription)
    return subscription


def hold(
    stack: FakeStack, pipeline: int, *, due_at: float = NOON + 3600, hinted_until: float = 0.0
) -> None:
    record = DeliveryRecord.waiting(a_delivery(1, pipeline_id=pipeline))
    held = HeldLane.held_at(record.lane, 1, now=NOON - 1000 + pipeline)
    held = held.head_failed(due_at=due_at, retry_after_until=hinted_until)
    stack.ledger.save(record, before=None, after=held)


def due_times(stack: FakeStack) -> dict[str, float]:
    return {lane.pipeline_key: held.due_at for lane, held in stack.ledger.lanes.items()}


def test_a_paused_subscription_is_blocked_since_the_first_pause(stack: FakeStack) -> None:
    subscription = save(stack)

    paused = stack.service().pause(subscription)
    stack.clock.sleep(60)
    paused_again = stack.service().pause(paused)

    assert paused.is_blocked
    assert paused_again.paused_at == "2026-01-01T12:00:00.000+00:00"
    assert stack.subscriptions.find("sub_a") == paused_again


def test_a_resumed_subscription_resumes_ten_lanes_a_second(stack: FakeStack) -> None:
    subscription = save(stack, paused_at="2026-01-01T00:00:00Z")
    for pipeline in range(25):
        hold(stack, pipeline)

    resumed, lanes = stack.service().resume(subscription)

    assert stack.subscriptions.find("sub_a") == resumed
    assert not resumed.is_blocked
    assert lanes == 25
    waits = {pipeline: round(due_at - NOON, 3) for pipeline, due_at in due_times(stack).items()}
    assert waits == {str(n): 10 + n / 10 for n in range(25)}  # by 10 s every function knows


def test_enabling_clears_the_reason_resumes_the_lanes_and_resets_the_health(
    stack: FakeStack,
) -> None:
    subscription = save(stack, disabled_reason="the receiver asked for it (410)")
    hold(stack, 39)
    down = EndpointHealth(subscription_id="sub_a", failures=9, failing_since=1, due_at=NOON)
    stack.healths.by_subscription["sub_a"] = down

    enabled, lanes = stack.service().enable(subscription)

    assert (enabled.disabled_reason, lanes) == (None, 1)
    assert due_times(stack) == {"39": NOON + 10}
    assert stack.healths.find("sub_a").is_healthy


def test_a_resumed_subscription_is_probed_at_once_if_its_endpoint_was_down(
    stack: FakeStack,
) -> None:
    subscription = save(stack, paused_at="2026-01-01T00:00:00Z")
    down = EndpointHealth(subscription_id="sub_a", failures=9, due_at=NOON + 3600, version=9)
    stack.healths.by_subscription["sub_a"] = down

    stack.service().resume(subscription)

    assert stack.healths.find("sub_a").due_at == NOON + 10


def test_a_subscription_that_is_still_blocked_resumes_no_lane(stack: FakeStack) -> None:
    subscription = save(stack, paused_at="2026-01-01T00:00:00Z", disabled_reason="gone")
    hold(stack, 39)

    resumed, lanes = stack.service().resume(subscription)

    assert resumed.is_blocked
    assert lanes == 0
    assert due_times(stack) == {"39": NOON + 3600}


def test_no_lane_is_resumed_needlessly_or_before_its_receivers_hint(stack: FakeStack) -> None:
    subscription = save(stack, paused_at="2026-01-01T00:00:00Z")
    hold(stack, 1, due_at=NOON + 5)
    hold(stack, 2, due_at=NOON + 7200, hinted_until=NOON + 3600)
    hold(stack, 3)
    hold(stack, 4)
    behind_a_letter = Lane("sub_a", "3")
    held = stack.ledger.lanes[behind_a_letter]
    stack.ledger.lanes[behind_a_letter] = replace(held, head_is_dead=True)

    _, lanes = stack.service().resume(subscription)

    due = {"1": NOON + 5, "2": NOON + 3600, "3": NOON + 3600, "4": NOON + 10.1}
    assert (lanes, due_times(stack)) == (2, due)
