from dataclasses import dataclass, field
from typing import Any

import pytest

from lakehook.domain.errors import InfrastructureError, InvalidEvent
from lakehook.domain.event import MAX_EVENT_BYTES, Event
from lakehook.producer import PipelineEventPublisher
from tests.builders import an_event

MEBIBYTE = 1024 * 1024


@dataclass
class FakeQueue:
    """Takes batches as SQS does: it refuses those that are too large, or single entries."""

    refused: set[str] = field(default_factory=set)  # deduplication ids
    batches: list[list[dict[str, Any]]] = field(default_factory=list)

    def send_message_batch(self, *, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803  boto3's words
        assert QueueUrl == "https://sqs.example/events.fifo"
        assert 1 <= len(Entries) <= 10
        assert sum(len(entry["MessageBody"].encode()) for entry in Entries) <= MEBIBYTE
        self.batches.append(Entries)
        failed = [entry for entry in Entries if entry["MessageDeduplicationId"] in self.refused]
        return {"Failed": [{"Id": one["Id"], "Code": "InternalError"} for one in failed]}

    def ids(self) -> list[str]:
        return [one["MessageDeduplicationId"] for batch in self.batches for one in batch]


@pytest.fixture
def queue() -> FakeQueue:
    return FakeQueue()


@pytest.fixture
def publisher(queue: FakeQueue) -> PipelineEventPublisher:
    return PipelineEventPublisher("https://sqs.example/events.fifo", queue)  # type: ignore[arg-type]


def events_of(pipeline: str, count: int) -> list[Event]:
    return [an_event(pipeline_id=pipeline, event_id=f"{pipeline}-{n}") for n in range(count)]


def test_an_event_goes_in_the_group_of_its_pipeline_known_by_its_id(
    publisher: PipelineEventPublisher, queue: FakeQueue
) -> None:
    event = an_event(pipeline_id=39)

    sent = publisher.publish([event])

    assert sent == 1
    (((entry),),) = queue.batches
    assert (entry["MessageGroupId"], entry["MessageDeduplicationId"]) == ("39", event.id)
    assert Event.from_message(entry["MessageBody"], group="39") == event


def test_pipelines_of_two_sources_go_in_groups_of_their_own_and_in_one_batch(
    publisher: PipelineEventPublisher, queue: FakeQueue
) -> None:
    events = [an_event(), an_event(source="staging"), an_event(source="production")]

    publisher.publish(events)

    (batch,) = queue.batches
    groups = [entry["MessageGroupId"] for entry in batch]
    assert groups == ["39", "staging/39", "production/39"]
    for event, entry in zip(events, batch, strict=True):
        assert Event.from_message(entry["MessageBody"], group=entry["MessageGroupId"]) == event


def test_a_pipelines_events_go_in_order_one_to_a_batch(
    publisher: PipelineEventPublisher, queue: FakeQueue
) -> None:
    events = events_of("a", 5) + events_of("b", 3) + events_of("c", 1)

    publisher.publish(events)

    for batch in queue.batches:
        groups = [entry["MessageGroupId"] for entry in batch]
        assert len(groups) == len(set(groups))
    for pipeline in "abc":
        wanted = [event.id for event in events if event.pipeline_id == pipeline]
        assert [one for one in queue.ids() if one.startswith(pipeline)] == wanted


def test_batches_are_full_where_there_are_pipelines_enough(
    publisher: PipelineEventPublisher, queue: FakeQueue
) -> None:
    publisher.publish([an_event(pipeline_id=n) for n in range(25)])

    assert [len(batch) for batch in queue.batches] == [10, 10, 5]


def test_batches_are_packed_by_bytes(publisher: PipelineEventPublisher, queue: FakeQueue) -> None:
    large = "湖" * (MAX_EVENT_BYTES // 3 - 200)

    publisher.publish([an_event(pipeline_id=n, message=large) for n in range(12)])

    assert [len(batch) for batch in queue.batches] == [8, 4]


def test_each_batch_is_told_of(publisher: PipelineEventPublisher) -> None:
    told: list[int] = []

    publisher.publish([an_event(pipeline_id=n) for n in range(12)], sent=told.append)

    assert told == [10, 2]


def test_after_a_refusal_no_later_event_of_the_pipeline_goes(
    publisher: PipelineEventPublisher, queue: FakeQueue
) -> None:
    queue.refused = {"a-1"}

    with pytest.raises(InfrastructureError, match="a-1: InternalError"):
        publisher.publish(events_of("a", 3) + events_of("b", 3))

    assert "a-2" not in queue.ids()


@pytest.mark.parametrize("data", [{"text": "x" * MAX_EVENT_BYTES}, {"number": float("nan")}])
def test_a_bad_event_is_refused_before_anything_goes(
    publisher: PipelineEventPublisher, queue: FakeQueue, data: dict[str, Any]
) -> None:
    with pytest.raises(InvalidEvent):
        publisher.publish([an_event(pipeline_id=1), an_event(pipeline_id=2, data=data)])

    assert queue.batches == []


def test_characters_that_sqs_refuses_go_escaped(
    publisher: PipelineEventPublisher, queue: FakeQueue
) -> None:
    """https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html."""
    event = an_event(message="a\x00b\ufffec\uffffd湖")

    publisher.publish([event])

    body = queue.batches[0][0]["MessageBody"]
    assert not {"\x00", "\ufffe", "\uffff"} & set(body)
    assert Event.from_message(body, group="39").document == event.document


def test_nothing_to_send_is_nothing_sent(
    publisher: PipelineEventPublisher, queue: FakeQueue
) -> None:
    assert publisher.publish([]) == 0
    assert queue.batches == []
