"""Deliveries to a subscriber: all that it asked for, in order, once, and genuine."""

import json
from pathlib import Path

from lakehook.domain.event import Event
from local.receiver import Receiver
from tests.builders import an_event
from tests.e2e.conftest import Publish, SendBody
from tests.e2e.evidence import Evidence
from tests.e2e.pipelines import (
    COMPLETED,
    CREATED,
    FAILED,
    RUNNING,
    arrivals_of,
    arrived_sequences,
    pipeline_events,
)
from tests.e2e.subscribers import Subscribers
from tests.e2e.terminal import Terminal
from tests.integration.eventually import PATIENCE, eventually


def test_each_subscriber_gets_the_events_of_each_pipeline_in_order(
    subscribers: Subscribers, terminal: Terminal, tmp_path: Path
):
    receivers = [Receiver("one"), Receiver("two")]
    for receiver in receivers:
        subscribers.add(receiver)
    pipelines = [pipeline_events(CREATED, RUNNING, end) for end in (COMPLETED, FAILED) * 4]
    file = tmp_path / "events.jsonl"
    file.write_text(
        "\n".join(json.dumps(events[step].document) for step in range(3) for events in pipelines)
    )

    answer = terminal.json("events", "send", "--file", str(file))

    assert answer == {"sent": 24}
    for receiver in receivers:
        assert receiver.wait_for(24, within=PATIENCE)
        for events in pipelines:
            arrivals = arrivals_of(receiver, events)
            assert [(arrival.sequence, arrival.event_type) for arrival in arrivals] == [
                (sequence, event.type) for sequence, event in enumerate(events, start=1)
            ]
            previous = [arrival.body["previous_event_type"] for arrival in arrivals]
            assert previous == [None, CREATED, RUNNING]


def test_a_body_carries_what_the_producer_wrote_byte_for_byte(
    subscribers: Subscribers, publish: Publish
):
    receiver = Receiver("careful")
    subscribers.add(receiver)
    document = an_event(
        pipeline_id=pipeline_events()[0].pipeline_id,
        message='数据湖 第一步 🌊 \\ " \u2028 \ufffe \x7f',
        data={"zeta": [1, 1.5, -0.0, 2**70, None, True], "alpha": {"": "空"}, "é": []},
        unknown_to_us={"later": "版本"},
    ).document

    publish([Event.from_document(document)])

    assert receiver.wait_for(1, within=PATIENCE)
    (arrival,) = receiver.arrivals
    sent_document = document | {
        "event_id": Event.from_document(document).id,
        "sequence": 1,
        "previous_event_type": None,
    }
    text = json.dumps(sent_document, ensure_ascii=False, separators=(",", ":"))
    assert arrival.raw == text.encode()
    assert arrival.headers["content-type"] == "application/json"


def test_a_subscriber_of_failures_gets_no_other_event_and_sees_the_gap(
    subscribers: Subscribers, publish: Publish, evidence: Evidence
):
    failures = Receiver("failures")
    subscribers.add(failures, "--event-type", "PIPELINE_FAILED", "--event-type", "PIPELINE_PARTIAL")
    good, bad = pipeline_events(), pipeline_events(CREATED, RUNNING, FAILED)

    publish([*good, *bad])

    eventually(evidence.nothing_is_under_way)
    (arrival,) = failures.arrivals
    assert (arrival.pipeline, arrival.sequence, arrival.event_type) == (
        bad[0].pipeline_id,
        3,
        FAILED,
    )
    assert arrival.body["previous_event_type"] == RUNNING


def test_a_batch_that_is_published_again_is_delivered_once(
    subscribers: Subscribers, publish: Publish, send_body: SendBody
):
    receiver = Receiver("once")
    subscribers.add(receiver)
    pipelines = [pipeline_events(CREATED, RUNNING) for _ in range(4)]
    batch = [event for events in pipelines for event in events]
    publish(batch)
    assert receiver.wait_for(8, within=PATIENCE)

    for event in batch:
        send_body(event.pipeline_key, json.dumps(event.document))
    publish(
        [an_event(**events[0].document | {"event_type": str(COMPLETED)}) for events in pipelines]
    )

    assert receiver.wait_for(12, within=PATIENCE)
    assert [arrived_sequences(receiver, events) for events in pipelines] == [[1, 2, 3]] * 4
