"""Explanations of deliveries, lanes and pipelines."""

from dataclasses import replace

import pytest

from lakehook.domain.attempt import Attempt, Outcome
from lakehook.domain.circuit_breaker import EndpointHealth
from lakehook.domain.delivery import Lane
from lakehook.domain.errors import NotFound
from lakehook.domain.lane import DeliveryRecord, DeliveryStatus, HeldLane, SuspendedReason
from lakehook.domain.rate_limit import Rate
from lakehook.domain.subscription import Ordering
from lakehook.queries import DeliveryQuery
from tests.builders import a_delivery, a_subscription, an_event
from tests.fakes import NOON
from tests.fakes_ops import FakeStack
from tests.journaling import append_step, load_event

LANE = Lane("sub_a", "39")
FAILURE = Attempt(at=NOON, outcome=Outcome.REJECTED, milliseconds=7, status=500)
SUCCESS = Attempt(at=NOON, outcome=Outcome.DELIVERED, milliseconds=7, status=200)
AT_HALF_PAST = "2026-01-01T12:30:00.000+00:00"


@pytest.fixture
def stack() -> FakeStack:
    stack = FakeStack()
    stack.subscriptions.put(a_subscription())
    return stack


def waiting(sequence: int = 1) -> DeliveryRecord:
    return DeliveryRecord.waiting(a_delivery(sequence))


def hold(stack: FakeStack, *records: DeliveryRecord, attempts: int = 1) -> HeldLane:
    """Hold the lane at the first of the records, due at half past."""
    held = HeldLane.held_at(LANE, records[0].sequence, now=NOON)
    held = replace(held, attempts=attempts, due_at=NOON + 1800)
    stack.ledger.save(records[0], before=None, after=held)
    for record in records[1:]:
        stack.ledger.save(record, before=None, after=None)
    return held


def next_of(stack: FakeStack, sequence: int) -> str:
    return stack.service().explain(f"sub_a#39#{sequence}").next.description


# --- next actions ---


def test_a_failed_head_is_retried_when_its_lane_is_due_and_later_deliveries_wait_for_it(
    stack: FakeStack,
) -> None:
    hold(stack, waiting(1).with_attempt(FAILURE), waiting(2))

    explained = stack.service().explain("sub_a#39#1")

    assert explained.next.description == f"retried at {AT_HALF_PAST}"
    assert explained.next.at == NOON + 1800
    assert next_of(stack, 2) == f"waits behind #1, which is retried at {AT_HALF_PAST}"


def test_a_delivery_behind_a_dead_letter_has_no_next_time(stack: FakeStack) -> None:
    hold(stack, waiting(1).dead("timed_out"), waiting(2))

    explained = stack.service().explain("sub_a#39#2")

    assert explained.next.description == "waits behind #1, which is a dead letter"
    assert explained.next.at is None
    assert next_of(stack, 1) == (
        "nothing until it is redriven or discarded: it is a dead letter (timed_out)"
    )


def test_a_lane_behind_a_skipped_dead_letter_continues(stack: FakeStack) -> None:
    stack.subscriptions.put(a_subscription(ordering=Ordering.SKIP))
    hold(stack, waiting(1).dead("timed_out"), waiting(2), attempts=0)

    assert next_of(stack, 2) == f"waits behind #1, which is attempted at {AT_HALF_PAST}"


@pytest.mark.parametrize(
    ("changes", "description"),
    [
        ({"paused_at": "2026"}, "blocked: paused"),
        ({"disabled_reason": "gone (410)"}, "blocked: disabled (gone (410))"),
        ({"removed_at": "2026"}, "discarded: the subscription is removed"),
    ],
)
def test_a_blocked_subscription_is_the_first_thing_to_say(
    stack: FakeStack, changes: dict[str, object], description: str
) -> None:
    hold(stack, waiting(1))
    stack.subscriptions.put(a_subscription(**changes))

    assert next_of(stack, 1) == description


@pytest.mark.parametrize(
    ("suspended", "condition", "state"),
    [
        (SuspendedReason.RATE_LIMIT, "its rate allows it", "over its rate"),
        (
            SuspendedReason.CONCURRENCY_LIMIT,
            "its endpoint has fewer requests in progress",
            "endpoint slow",
        ),
    ],
)
def test_a_lane_over_its_rate_or_at_a_slow_endpoint_says_so(
    stack: FakeStack, suspended: SuspendedReason, condition: str, state: str
) -> None:
    stack.subscriptions.put(a_subscription(channel="slack", rate=Rate.parse("1/s")))
    held = HeldLane.held_at(LANE, 1, now=NOON).suspended_for(suspended)
    stack.ledger.save(waiting(), before=None, after=held)

    assert next_of(stack, 1) == f"attempted when {condition}"
    (lane,) = stack.service().list_lanes()
    assert lane.state == state


def test_an_endpoint_that_is_down_says_when_it_is_tried_again(stack: FakeStack) -> None:
    hold(stack, waiting(1), waiting(2))
    stack.healths.by_subscription["sub_a"] = EndpointHealth(
        subscription_id="sub_a", due_at=NOON + 300, version=1
    )
    down = "blocked: the endpoint is down, and probed at 2026-01-01T12:05:00.000+00:00"

    explained = stack.service().explain("sub_a#39#1")
    (report,) = stack.service().list_lanes()

    assert (explained.next.description, explained.next.at) == (down, NOON + 300)
    assert next_of(stack, 2) == f"waits behind #1, which is {down}"
    assert report.state == "endpoint down"


@pytest.mark.parametrize(
    ("record", "description"),
    [
        (waiting().with_attempt(SUCCESS), "delivered"),
        (waiting().discarded("discarded by operator"), "nothing: discarded by operator"),
        (
            replace(waiting(), status=DeliveryStatus.ABORTED),
            "nothing: the receiver asked for no more attempts",
        ),
        (waiting(), "attempted when its message is received"),
    ],
)
def test_a_final_delivery_says_why_it_ended(
    stack: FakeStack, record: DeliveryRecord, description: str
) -> None:
    stack.ledger.save(record, before=None, after=None)

    assert next_of(stack, 1) == description


def test_an_unknown_delivery_is_not_found_though_it_may_be_on_its_way(
    stack: FakeStack,
) -> None:
    with pytest.raises(NotFound, match="perhaps its message is still on the queue"):
        stack.service().explain("sub_a#39#1")
    with pytest.raises(NotFound, match="'39'"):
        stack.service().show_pipeline("39")


# --- lanes ---


@pytest.mark.parametrize(
    ("changes", "head", "attempts", "state"),
    [
        ({}, waiting(1), 2, "retrying"),
        ({}, waiting(1), 0, "waiting"),
        ({}, waiting(1).dead("timed_out"), 2, "dead letter"),
        ({"paused_at": "2026"}, waiting(1).dead("timed_out"), 2, "paused"),
        ({"disabled_reason": "gone"}, waiting(1), 2, "disabled"),
        ({"removed_at": "2026"}, waiting(1), 2, "removed"),
    ],
)
def test_a_held_lane_says_what_it_waits_for(
    stack: FakeStack, changes: dict[str, object], head: DeliveryRecord, attempts: int, state: str
) -> None:
    stack.subscriptions.put(a_subscription(**changes))
    held = hold(stack, head, waiting(2), waiting(3).with_attempt(SUCCESS), attempts=attempts)

    (report,) = stack.service().list_lanes()

    assert (report.held, report.state, report.waiting_behind) == (held, state, 1)


# --- deliveries ---


def save_each(stack: FakeStack, *records: DeliveryRecord) -> None:
    """Save a record a second."""
    for record in records:
        stack.ledger.save(record, before=None, after=None)
        stack.clock.sleep(1)


def list_ids(stack: FakeStack, **question: object) -> list[str]:
    entries = stack.service().list_deliveries(DeliveryQuery(**question))  # type: ignore[arg-type]
    return [f"{entry.lane}#{entry.sequence}" for entry in entries]


def test_deliveries_are_chosen_by_pipeline_subscription_status_and_time(stack: FakeStack) -> None:
    stack.subscriptions.put(a_subscription(id="sub_b", removed_at="2026"))
    other, elsewhere = (
        DeliveryRecord.waiting(a_delivery(1, subscription=subscription, pipeline_id=pipeline))
        for subscription, pipeline in (("sub_b", 39), ("sub_a", 40))
    )
    save_each(stack, waiting(1), other, elsewhere, waiting(2).with_attempt(SUCCESS))

    assert list_ids(stack, pipeline="39") == ["sub_a#39#2", "sub_b#39#1", "sub_a#39#1"]
    assert list_ids(stack, subscription_id="sub_a", limit=1) == ["sub_a#39#2"], "the last changed"
    assert list_ids(stack, pipeline="39", subscription_id="sub_b") == ["sub_b#39#1"]
    assert list_ids(stack, subscription_id="sub_a", since=NOON + 2) == ["sub_a#39#2", "sub_a#40#1"]
    assert list_ids(stack, subscription_id="sub_a", status=DeliveryStatus.DELIVERED) == [
        "sub_a#39#2"
    ]


# --- pipelines ---


def test_a_pipeline_has_its_events_and_each_subscribers_progress(stack: FakeStack) -> None:
    stack.subscriptions.put(a_subscription(id="sub_b"))
    for event_id in ("e1", "e2", "e3"):
        event = an_event(event_id=event_id, event_type="TASK_RUNNING")
        pipeline, _ = load_event(stack.journal, event)
        append_step(stack.journal, pipeline.apply(event))
    save_each(stack, waiting(1).with_attempt(SUCCESS), waiting(2).dead("timed_out"), waiting(3))

    story = stack.service().show_pipeline("39")

    assert [accepted.sequenced.event.id for accepted in story.events] == ["e1", "e2", "e3"]
    (place,) = story.subscribers
    assert place.subscription.id == "sub_a"
    assert (place.last_delivered, place.waiting, place.dead) == (1, 1, 1)
