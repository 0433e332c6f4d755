"""Outcomes of a delivery that its receiver does not accept."""

from datetime import datetime

import pytest

from lakehook.domain.delivery import Delivery, Lane, SequencedEvent
from lakehook.domain.lane import DeliveryStatus
from lakehook.domain.queue_message import decode
from local.receiver import OK, Arrival, Behaviour, CannedResponse, Receiver
from tests.e2e.conftest import Publish
from tests.e2e.evidence import Evidence, attributes_of
from tests.e2e.pipelines import CREATED, arrived_sequences, pipeline_events
from tests.e2e.subscribers import Subscribers
from tests.integration.eventually import PATIENCE, eventually

ERROR = 500


def scripted(*answers: int | CannedResponse) -> Behaviour:
    """Each answer in its turn, then 200."""
    script = iter(answers)
    return lambda _: next(script, OK)


def test_a_retry_waits_as_long_as_the_receiver_asked_has_the_same_id_and_is_signed_afresh(
    subscribers: Subscribers, publish: Publish
):
    receiver = Receiver("busy", scripted(CannedResponse(503, {"retry-after": "1"})))
    subscribers.add(receiver)
    events = pipeline_events()

    publish(events)

    assert receiver.wait_for(4, within=PATIENCE)
    assert arrived_sequences(receiver, events) == [1, 1, 2, 3]
    first, second, *_ = receiver.arrivals
    assert (first.id, first.raw) == (second.id, second.raw)
    assert second.at - first.at >= 1.0  # by the schedule alone 0.5
    assert signed_at(first) < signed_at(second)
    assert first.headers["webhook-signature"] != second.headers["webhook-signature"]
    assert all(arrival.genuine for arrival in receiver.arrivals)


def signed_at(arrival: Arrival) -> int:
    return int(arrival.headers["webhook-timestamp"])


def test_a_refused_delivery_becomes_a_dead_letter_and_its_followers_are_held(
    subscribers: Subscribers, publish: Publish, evidence: Evidence
):
    receiver = Receiver("refusing", lambda _: ERROR)
    subscription = subscribers.add(receiver)
    events = pipeline_events()
    lane = Lane(subscription, events[0].pipeline_id)

    publish(events[:2])
    letter = evidence.letter(lane)
    publish(events[2:])
    eventually(evidence.nothing_is_under_way)

    head, *followers = evidence.records(lane)
    attributes = attributes_of(letter)
    assert rfc_3339_seconds(attributes.pop("last_attempt_at")) == pytest.approx(
        head.attempts_log[-1].at, abs=0.002
    )
    assert attributes == {
        "reason": "rejected",
        "subscription": subscription,
        "endpoint": receiver.url,
        "event_type": CREATED,
        "pipeline_id": lane.pipeline_key,
        "sequence": "1",
        "attempts": "3",
        "last_status": "500",
    }
    assert (
        decode(letter["Body"])
        == head.delivery
        == Delivery(lane, SequencedEvent(events[0], 1, None))
    )
    assert head.status is DeliveryStatus.DEAD
    assert [attempt.status for attempt in head.attempts_log] == [ERROR] * 3
    assert [follower.status for follower in followers] == [DeliveryStatus.WAITING] * 2
    assert arrived_sequences(receiver, events) == [1, 1, 1]


def rfc_3339_seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
