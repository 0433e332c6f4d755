"""An address that is not allowed is never connected to, however it came to be subscribed."""

import json
import socket
from pathlib import Path

from lakehook.domain.attempt import Outcome
from lakehook.domain.delivery import Lane
from local.receiver import Arrival, Receiver
from tests.e2e.conftest import Publish
from tests.e2e.evidence import Evidence, attributes_of
from tests.e2e.pipelines import CREATED, pipeline_events
from tests.e2e.subscribers import Subscribers
from tests.integration.eventually import eventually


def test_a_letter_says_why_no_connection_came_about(
    subscribers: Subscribers, publish: Publish, evidence: Evidence
):
    with Receiver("within-reach") as receiver, socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))  # and never listening
        closed_port, _ = subscribers.add_url(
            f"http://127.0.0.1:{mute.getsockname()[1]}/?a=key", "gone"
        )
        private = subscribers.slip_in("https://10.0.0.1/hook")
        # Linux takes a caller of 0.0.0.0 to loopback: only the judgement is in the way.
        loopback = subscribers.slip_in(receiver.url.replace("127.0.0.1", "0.0.0.0"))
        (event,) = pipeline_events(CREATED)

        publish([event])

        for subscription, outcome in (
            (closed_port, Outcome.REFUSED),
            (private, Outcome.ADDRESS_NOT_ALLOWED),
            (loopback, Outcome.ADDRESS_NOT_ALLOWED),
        ):
            lane = Lane(subscription, event.pipeline_key)
            letter = attributes_of(evidence.letter(lane))
            eventually(evidence.nothing_is_under_way)  # the letter is there before the record is
            (record,) = evidence.records(lane)
            assert (letter["reason"], letter["last_status"]) == (outcome, outcome)
            assert [attempt.outcome for attempt in record.attempts_log] == [outcome] * 3
            assert "key" not in letter["endpoint"]

    assert receiver.arrivals == []


def test_a_name_that_is_rebound_between_two_attempts_is_not_called_again(
    subscribers: Subscribers,
    publish: Publish,
    evidence: Evidence,
    hosts: Path,
):
    """Linux takes a caller of 0.0.0.0 to loopback, where the receiver listens."""

    def rebind(_: Arrival) -> int:
        hosts.write_text(json.dumps({"rebound.example": ["127.0.0.1", "0.0.0.0"]}))
        return 500

    with Receiver("rebound", rebind) as receiver:
        hosts.write_text(json.dumps({"rebound.example": ["127.0.0.1"]}))
        url = receiver.url.replace("127.0.0.1", "rebound.example")
        lane_of = subscribers.slip_in(url)
        (event,) = pipeline_events(CREATED)

        publish([event])

        lane = Lane(lane_of, event.pipeline_id)
        letter = attributes_of(evidence.letter(lane))
        eventually(evidence.nothing_is_under_way)
        (record,) = evidence.records(lane)

    assert [attempt.outcome for attempt in record.attempts_log] == [
        Outcome.REJECTED,
        Outcome.ADDRESS_NOT_ALLOWED,
        Outcome.ADDRESS_NOT_ALLOWED,
    ]
    assert letter["reason"] == Outcome.ADDRESS_NOT_ALLOWED
    assert [arrival.headers["host"] for arrival in receiver.arrivals] == [url.split("/")[2]]
