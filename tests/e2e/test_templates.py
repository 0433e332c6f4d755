"""Subscribers who say themselves how they want it said."""

from pathlib import Path

from lakehook.domain.delivery import Lane
from lakehook.domain.lane import DeliveryStatus
from local.receiver import Receiver
from tests.e2e.conftest import Publish
from tests.e2e.evidence import Evidence, attributes_of
from tests.e2e.pipelines import a_life
from tests.e2e.subscribers import Subscribers
from tests.e2e.terminal import Terminal
from tests.integration.eventually import PATIENCE, eventually

GOOD = (
    '{"event_type": {{ event_type | json }}, "sequence": {{ sequence }},'
    ' "pipeline_id": {{ pipeline_id | json }}}'
)


def template(tmp_path: Path, text: str) -> str:
    file = tmp_path / "body.liquid"
    file.write_text(text)
    return str(file)


def test_a_template_is_what_arrives_signed(
    subscribers: Subscribers, publish: Publish, tmp_path: Path
):
    receiver = Receiver("worded")
    header = "x-event: {{ event_type | downcase }}"
    subscribers.add(receiver, "--template", template(tmp_path, GOOD), "--template-header", header)
    life = a_life()

    publish(life)

    assert receiver.wait_for(len(life), within=PATIENCE)
    first = receiver.arrivals[0]
    assert list(first.body) == ["event_type", "sequence", "pipeline_id"]
    assert first.headers["x-event"] == "pipeline_created"
    assert [arrival.sequence for arrival in receiver.arrivals] == [1, 2, 3]
    assert all(arrival.genuine for arrival in receiver.arrivals)


def test_one_that_fails_is_a_letter_with_the_reason_and_goes_out_once_it_is_mended(
    subscribers: Subscribers,
    publish: Publish,
    evidence: Evidence,
    terminal: Terminal,
    tmp_path: Path,
):
    receiver = Receiver("misworded")
    wrong = template(tmp_path, "{{ sequence | divided_by: 0 }}")
    subscription = subscribers.add(receiver, "--template", wrong)
    life = a_life()
    lane = Lane(subscription, life[0].pipeline_id)

    publish(life)
    letter = evidence.letter(lane)
    eventually(evidence.nothing_is_under_way)

    assert attributes_of(letter)["reason"] == "template_failed"
    head, *_ = evidence.records(lane)
    assert head.status is DeliveryStatus.DEAD
    assert receiver.arrivals == []
    told = terminal.json("deliveries", "show", f"{lane}#1")
    assert "template: its output is empty" in str(told)

    terminal.json("subscriptions", "update", subscription, "--template", template(tmp_path, GOOD))
    terminal.json("dead-letters", "redrive", f"{lane}#1")

    assert receiver.wait_for(len(life), within=PATIENCE)
    assert [arrival.sequence for arrival in receiver.arrivals] == [1, 2, 3]
