"""Subscribers with templates of their own."""

from pathlib import Path

from local.receiver import Receiver
from tests.e2e.conftest import Publish
from tests.e2e.pipelines import pipeline_events
from tests.e2e.subscribers import Subscribers
from tests.integration.eventually import PATIENCE

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
    events = pipeline_events()

    publish(events)

    assert receiver.wait_for(len(events), within=PATIENCE)
    first = receiver.arrivals[0]
    assert list(first.body) == ["event_type", "sequence", "pipeline_id"]
    assert first.headers["x-event"] == "pipeline_created"
    assert [arrival.sequence for arrival in receiver.arrivals] == [1, 2, 3]
    assert all(arrival.genuine for arrival in receiver.arrivals)
