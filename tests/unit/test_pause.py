"""Pausing a subscription, letting it go on, and enabling one that was disabled."""

from dataclasses import replace

import pytest

from lakehook.domain.circuit_breaker import EndpointHealth
from lakehook.domain.lane import DeliveryRecord, HeldLane
from lakehook.domain.subscription import Subscription
from tests.builders import a_delivery, a_subscription
from tests.fakes import NOON
from tests.fakes_ops import Office


@pytest.fixture
def office() -> Office:
    return Office()


def saved(office: Office, **changes: object) -> Subscription:
    subscription = a_subscription(**changes)
    office.subscriptions.put(subscription)
    return subscription


def hold(
    office: Office, pipeline: int, *, due_at: float = NOON + 3600, hinted_until: float = 0.0
) -> None:
    record = DeliveryRecord.waiting(a_delivery(1, pipeline_id=pipeline))
    held = HeldLane.held_at(record.lane, 1, now=NOON - 1000 + pipeline)
    held = held.head_failed(due_at=due_at, retry_after_until=hinted_until)
    office.ledger.save(record, before=None, after=held)


def due_times(office: Office) -> dict[str, float]:
    return {lane.pipeline_key: held.due_at for lane, held in office.ledger.lanes.items()}


def test_a_paused_subscription_is_blocked_since_the_first_pause(office: Office) -> None:
    subscription = saved(office)

    paused = office.desk().pause(subscription)
    office.clock.sleep(60)
    again = office.desk().pause(paused)

    assert paused.is_blocked
    assert again.paused_at == "2026-01-01T12:00:00.000+00:00"
    assert office.subscriptions.find("sub_a") == again


def test_a_resumed_subscription_goes_on_ten_lanes_a_second(office: Office) -> None:
    subscription = saved(office, paused_at="2026-01-01T00:00:00Z")
    for pipeline in range(25):
        hold(office, pipeline)

    resumed, lanes = office.desk().resume(subscription)

    assert office.subscriptions.find("sub_a") == resumed
    assert not resumed.is_blocked
    assert lanes == 25
    waits = {pipeline: round(due_at - NOON, 3) for pipeline, due_at in due_times(office).items()}
    assert waits == {str(n): 10 + n / 10 for n in range(25)}  # by 10 s every function knows


def test_what_is_due_sooner_is_left_its_time(office: Office) -> None:
    subscription = saved(office, paused_at="2026-01-01T00:00:00Z")
    hold(office, 39, due_at=NOON + 5)
    hold(office, 40)

    _, lanes = office.desk().resume(subscription)

    assert lanes == 1
    assert due_times(office) == {"39": NOON + 5, "40": NOON + 10}


def test_enabling_clears_the_reason_and_wakes_the_lanes(office: Office) -> None:
    subscription = saved(office, disabled_reason="the receiver asked for it (410)")
    hold(office, 39)

    enabled, lanes = office.desk().enable(subscription)

    assert (enabled.disabled_reason, lanes) == (None, 1)
    assert due_times(office) == {"39": NOON + 10}


def test_enabling_holds_the_endpoint_to_be_well(office: Office) -> None:
    subscription = saved(office, disabled_reason="every attempt has failed for five days")
    down = EndpointHealth(
        subscription_id="sub_a", failures=9, failing_since=1, due_at=NOON, version=9
    )
    office.healths.known["sub_a"] = down

    office.desk().enable(subscription)

    assert office.healths.find("sub_a").is_healthy


def test_a_resumed_subscription_is_probed_at_once_if_its_endpoint_was_down(office: Office) -> None:
    subscription = saved(office, paused_at="2026-01-01T00:00:00Z")
    down = EndpointHealth(subscription_id="sub_a", failures=9, due_at=NOON + 3600, version=9)
    office.healths.known["sub_a"] = down

    office.desk().resume(subscription)

    assert office.healths.find("sub_a").due_at == NOON + 10


def test_a_subscription_that_is_still_blocked_wakes_nothing(office: Office) -> None:
    subscription = saved(office, paused_at="2026-01-01T00:00:00Z", disabled_reason="gone")
    hold(office, 39)

    resumed, lanes = office.desk().resume(subscription)

    assert resumed.is_blocked
    assert lanes == 0
    assert due_times(office) == {"39": NOON + 3600}


def test_a_lane_whose_receiver_wished_to_wait_is_not_woken_before(office: Office) -> None:
    subscription = saved(office, paused_at="2026-01-01T00:00:00Z")
    hold(office, 39, due_at=NOON + 7200, hinted_until=NOON + 3600)

    office.desk().resume(subscription)

    assert due_times(office) == {"39": NOON + 3600}


def test_a_lane_behind_a_letter_is_not_woken_in_vain(office: Office) -> None:
    subscription = saved(office, paused_at="2026-01-01T00:00:00Z")
    hold(office, 39)
    hold(office, 40)
    lane = next(iter(office.ledger.lanes))
    office.ledger.lanes[lane] = replace(office.ledger.lanes[lane], head_is_dead=True)

    _, lanes = office.desk().resume(subscription)

    assert lanes == 1
    assert office.ledger.lanes[lane].due_at == NOON + 3600
