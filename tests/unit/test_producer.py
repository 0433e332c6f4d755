import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from lakehook import PublishError
from lakehook.domain.errors import InfrastructureError, InvalidEvent, QueueUnavailable
from lakehook.domain.event import MAX_EVENT_BYTES, Event
from lakehook.producer import Publisher
from tests.builders import an_event

MEBIBYTE = 1024 * 1024


@dataclass
class FakeQueue:
    """A queue with the limits of SQS, which may refuse single entries."""

    refused: set[str] = field(default_factory=set)  # deduplication ids
    batches: list[list[dict[str, Any]]] = field(default_factory=list)
    error: Exception | None = None

    def send_message_batch(self, *, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803  boto3's words
        assert QueueUrl == "https://sqs.example/events.fifo"
        if self.error:
            raise self.error
        assert 1 <= len(Entries) <= 10
        assert sum(len(entry["MessageBody"].encode()) for entry in Entries) <= MEBIBYTE
        self.batches.append(Entries)
        failed = [entry for entry in Entries if entry["MessageDeduplicationId"] in self.refused]
        return {"Failed": [{"Id": entry["Id"], "Code": "InternalError"} for entry in failed]}

    def ids(self) -> list[str]:
        return [entry["MessageDeduplicationId"] for batch in self.batches for entry in batch]


@pytest.fixture
def queue() -> FakeQueue:
    return FakeQueue()


@pytest.fixture
def publisher(queue: FakeQueue) -> Publisher:
    return Publisher("https://sqs.example/events.fifo", queue)  # type: ignore[arg-type]


def make_events(pipeline: str, count: int) -> list[Event]:
    return [an_event(pipeline_id=pipeline, event_id=f"{pipeline}-{n}") for n in range(count)]


def test_pipelines_of_two_sources_go_in_groups_of_their_own_and_in_one_batch(
    publisher: Publisher, queue: FakeQueue
) -> None:
    events = [an_event(), an_event(source="staging"), an_event(source="production")]

    assert (publisher.publish([]), publisher.publish(events)) == (0, 3)

    (batch,) = queue.batches
    groups = [entry["MessageGroupId"] for entry in batch]
    assert groups == ["39", "staging/39", "production/39"]
    for event, entry in zip(events, batch, strict=True):
        assert entry["MessageDeduplicationId"] == event.id
        assert Event.from_message(entry["MessageBody"], group=entry["MessageGroupId"]) == event


def test_a_pipelines_events_go_in_order_one_to_a_batch(
    publisher: Publisher, queue: FakeQueue
) -> None:
    events = make_events("a", 5) + make_events("b", 3) + make_events("c", 1)

    publisher.publish(events)

    for batch in queue.batches:
        groups = [entry["MessageGroupId"] for entry in batch]
        assert len(groups) == len(set(groups))
    for pipeline in "abc":
        expected = [event.id for event in events if event.pipeline_id == pipeline]
        assert [event_id for event_id in queue.ids() if event_id.startswith(pipeline)] == expected


def test_batches_are_full_if_there_are_enough_pipelines_and_each_is_reported(
    publisher: Publisher, queue: FakeQueue
) -> None:
    sizes: list[int] = []

    publisher.publish([an_event(pipeline_id=n) for n in range(25)], sent=sizes.append)

    assert [len(batch) for batch in queue.batches] == sizes == [10, 10, 5]


def test_batches_are_packed_by_bytes(publisher: Publisher, queue: FakeQueue) -> None:
    large = "湖" * (MAX_EVENT_BYTES // 3 - 200)

    publisher.publish([an_event(pipeline_id=n, message=large) for n in range(12)])

    assert [len(batch) for batch in queue.batches] == [8, 4]


def test_after_a_refusal_no_later_event_of_the_pipeline_goes(
    publisher: Publisher, queue: FakeQueue
) -> None:
    queue.refused = {"a-1"}

    with pytest.raises(InfrastructureError, match=r"a-1: InternalError"):
        publisher.publish(make_events("a", 3) + make_events("b", 3))

    assert "a-2" not in queue.ids()


AT = datetime(2026, 1, 1, 12, tzinfo=UTC)
FIELDS = {
    "pipeline_id": 39,
    "event_type": "PIPELINE_CREATED",
    "trigger_source": "blueprint:7",
    "timestamp": AT,
}
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"timestamp": None}, "timestamp: missing; every event has pipeline_id"),
    ({"timestamp": datetime(2026, 1, 1)}, "timestamp: 2026-01-01 00:00:00 has no time zone;"),  # noqa: DTZ001
    ({"event_type": "DONE"}, "event_type: 'DONE' is not one of PIPELINE_CREATED"),
    ({"data": {"text": "x" * MAX_EVENT_BYTES}}, "the event has 131"),
    ({"data": {"rate": float("nan")}}, "data.rate: nan is not a finite number"),
    ({"data": {"rate": Decimal("sNaN")}}, "data.rate: sNaN is not a finite number"),
    ({"data": {"tags": [{"a"}]}}, "data.tags[0]: {'a'} is a set, which JSON can't hold"),
    ({"data": {1: 2}}, "data: the key 1 is not a string"),
    ({"data": {"n": 10**5000}}, "data.n: an integer of more than 14000 bits"),
    ({"message": "\ud800"}, "message: '\\ud800' is not Unicode"),
]


@pytest.mark.parametrize(("changes", "problem"), WRONG, ids=[problem for _, problem in WRONG])
def test_a_bad_event_is_refused_with_its_field_before_anything_goes(
    publisher: Publisher, queue: FakeQueue, changes: dict[str, Any], problem: str
) -> None:
    with pytest.raises(InvalidEvent) as refusal:
        publisher.publish([an_event(pipeline_id=1), FIELDS | changes])

    (line,) = str(refusal.value).splitlines()
    assert line.startswith(f"event 2: {problem}")
    assert isinstance(refusal.value, PublishError)
    assert queue.batches == []


def test_a_single_event_or_dict_can_be_published(publisher: Publisher, queue: FakeQueue):
    data = {"cost": Decimal("1.10"), "at": AT, "steps": ("a", {"b": None}), "done": True}

    assert publisher.publish(Event(**FIELDS, data=data)) == 1
    assert asyncio.run(publisher.apublish(FIELDS | {"data": data})) == 1

    first, second = (batch[0]["MessageBody"] for batch in queue.batches)
    assert first == second
    at = '"2026-01-01T12:00:00+00:00"'
    assert f'"timestamp":{at}' in first
    assert f'{{"cost":1.10,"at":{at},"steps":["a",{{"b":null}}],"done":true}}' in first


@pytest.mark.parametrize("wrong", [None, "PIPELINE_CREATED", 39, [39]])
def test_an_invalid_event_is_refused_in_a_line(publisher: Publisher, wrong: Any) -> None:
    with pytest.raises(PublishError, match=r"is not an event: give an Event or a dict$"):
        publisher.publish(wrong)


@pytest.mark.parametrize("url", [None, "", "events.fifo", "https://sqs.example/events"])
def test_a_url_of_no_queue_is_refused_at_construction(url: Any) -> None:
    with pytest.raises(PublishError, match=r"^queue URL: .* is not the URL of a FIFO queue"):
        Publisher(url)


def test_a_missing_region_or_credentials_are_an_error_at_construction(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))

    with pytest.raises(PublishError, match=r"^no AWS region: set AWS_REGION"):
        Publisher("https://sqs.example/events.fifo")
    with pytest.raises(PublishError, match=r"^no AWS credentials: "):
        Publisher("https://sqs.eu-central-1.amazonaws.com/123456789012/events.fifo")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9/")
    Publisher("http://127.0.0.1:9/123456789012/events.fifo")  # a laptop asks for neither


def test_aws_away_is_a_publish_error_in_a_line(publisher: Publisher, queue: FakeQueue) -> None:
    queue.error = EndpointConnectionError(endpoint_url="https://sqs.example")

    with pytest.raises(QueueUnavailable, match=r"^Could not connect to the endpoint URL"):
        publisher.publish(FIELDS)

    assert issubclass(QueueUnavailable, PublishError)


def test_characters_that_sqs_refuses_go_escaped(publisher: Publisher, queue: FakeQueue) -> None:
    """https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html."""
    event = an_event(message="a\x00b\ufffec\uffffd湖")

    publisher.publish([event])

    body = queue.batches[0][0]["MessageBody"]
    assert not {"\x00", "\ufffe", "\uffff"} & set(body)
    assert Event.from_message(body, group="39").document == event.document
