"""An event source mapping on the embedded cloud keeps what Lambda's promises."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from threading import Barrier, Lock
from typing import TYPE_CHECKING, Any

import pytest

from local.account import arn
from local.cloud import Cloud
from local.function import Function, Host
from local.provision import FunctionSpec, MappingSpec
from local.runtime_api import InvocationFailure, InvocationResult, Result
from local.triggers import EventSourceMapping
from tests.integration.eventually import eventually

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

Event = Mapping[str, Any]
Invoke = Callable[[Event], Result]
ALL_WELL = InvocationResult(b"null")


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    with Cloud() as cloud:
        yield cloud


@dataclass
class Queue:
    """A FIFO queue and the mappings that read it."""

    sqs: "SQSClient"
    url: str
    exits: ExitStack = field(default_factory=ExitStack)

    def send(self, group: str, body: str) -> None:
        self.sqs.send_message(
            QueueUrl=self.url, MessageBody=body, MessageGroupId=group, MessageDeduplicationId=body
        )

    def add_mapping(
        self, invoke: Invoke, *, batch_size: int = 10, concurrency: int = 4
    ) -> EventSourceMapping:
        spec = MappingSpec(
            queue_url=self.url,
            queue_arn=arn("sqs", self.url.rsplit("/", 1)[1]),
            function="sample",
            batch_size=batch_size,
            maximum_concurrency=concurrency,
            reports_failures=True,
        )
        mapping = EventSourceMapping(spec, invoke, concurrency=concurrency)
        mapping.start()
        self.exits.callback(mapping.stop)
        return mapping

    def expire_soon(self) -> None:
        """Make received messages visible again, later than a busy machine deletes the others."""
        self.sqs.set_queue_attributes(QueueUrl=self.url, Attributes={"VisibilityTimeout": "3"})

    def is_empty(self) -> bool:
        """Return whether it is empty by two counts, as a message may slip between those of one."""
        return all(self.counts() == (0, 0) for _ in range(2))

    def counts(self) -> tuple[int, int]:
        """Messages that wait, and messages in flight."""
        attributes = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["All"])
        waiting = attributes["Attributes"]["ApproximateNumberOfMessages"]
        in_flight = attributes["Attributes"]["ApproximateNumberOfMessagesNotVisible"]
        return int(waiting), int(in_flight)


@pytest.fixture
def queue(cloud: Cloud, request: pytest.FixtureRequest) -> Iterator[Queue]:
    sqs: SQSClient = cloud.client("sqs")
    url = sqs.create_queue(
        QueueName=f"{request.node.name[:70]}.fifo",
        Attributes={
            "FifoQueue": "true",
            "VisibilityTimeout": "60",  # on a busy machine, too, nothing comes twice by itself
            "DeduplicationScope": "messageGroup",
            "FifoThroughputLimit": "perMessageGroupId",
        },
    )["QueueUrl"]
    queue = Queue(sqs, url)
    with queue.exits:
        yield queue


@dataclass
class Handler:
    """Remembers every record, and fails those in ``failing`` once."""

    failing: set[str] = field(default_factory=set)
    records: list[tuple[str, str, int]] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)

    def __call__(self, event: Event) -> Result:
        """Stop at a group's first failure, as a handler of a FIFO queue must."""
        failed: dict[str, list[str]] = {}
        with self.lock:
            for record in event["Records"]:
                group = record["attributes"]["MessageGroupId"]
                if group in failed or record["body"] in self.failing:
                    self.failing.discard(record["body"])
                    failed.setdefault(group, []).append(record["messageId"])
                    continue
                self._remember(group, record)
        report = [{"itemIdentifier": id_} for ids in failed.values() for id_ in ids]
        return InvocationResult(json.dumps({"batchItemFailures": report}).encode())

    def _remember(self, group: str, record: Mapping[str, Any]) -> None:
        receives = int(record["attributes"]["ApproximateReceiveCount"])
        self.records.append((group, record["body"], receives))

    def bodies(self, group: str) -> list[str]:
        return [body for seen_in, body, _ in self.records if seen_in == group]


def test_the_messages_of_each_group_come_in_order_and_are_deleted(queue: Queue) -> None:
    handler = Handler()
    queue.add_mapping(handler)

    for number in range(12):
        for group in "abc":
            queue.send(group, f"{group}{number}")

    eventually(queue.is_empty)
    for group in "abc":
        assert handler.bodies(group) == [f"{group}{number}" for number in range(12)]


def test_groups_are_worked_on_side_by_side(queue: Queue) -> None:
    barrier = Barrier(2)

    def meet(_: Event) -> Result:
        barrier.wait(timeout=120)
        return ALL_WELL

    queue.send("a", "a")
    queue.send("b", "b")
    queue.add_mapping(meet, batch_size=1, concurrency=2)

    eventually(queue.is_empty)


def test_no_more_batches_are_taken_than_may_be_invoked(queue: Queue) -> None:
    inside = Barrier(2)

    def stay(_: Event) -> Result:
        inside.wait(timeout=120)
        return ALL_WELL

    for group in "abc":
        queue.send(group, group)
    mapping = queue.add_mapping(stay, batch_size=1, concurrency=1)

    eventually(lambda: inside.n_waiting == 1)
    assert queue.counts() == (2, 1)
    mapping.ask_to_stop()
    inside.wait(timeout=120)


def test_a_reported_failure_comes_again_in_order_and_the_rest_is_deleted(queue: Queue) -> None:
    handler = Handler(failing={"a1"})
    queue.expire_soon()
    for number in range(3):
        queue.send("a", f"a{number}")
    queue.send("b", "b0")

    queue.add_mapping(handler)

    eventually(queue.is_empty)
    assert handler.bodies("a") == ["a0", "a1", "a2"]
    assert ("a", "a0", 1) in handler.records
    assert ("b", "b0", 1) in handler.records
    assert ("a", "a1", 2) in handler.records


def test_an_exception_brings_the_whole_batch_again(queue: Queue) -> None:
    handler = Handler()
    results = iter([InvocationFailure("ValueError", "no")])
    queue.expire_soon()

    def invoke(event: Event) -> Result:
        return next(results, None) or handler(event)

    queue.send("a", "a0")
    queue.add_mapping(invoke)

    eventually(queue.is_empty)
    assert handler.records == [("a", "a0", 2)]


def test_a_message_that_the_function_has_deleted_itself_is_no_error(
    queue: Queue, caplog: pytest.LogCaptureFixture
) -> None:
    def delete_the_first(event: Event) -> Result:
        first = event["Records"][0]
        queue.sqs.delete_message(QueueUrl=queue.url, ReceiptHandle=first["receiptHandle"])
        return ALL_WELL

    queue.send("a", "a0")
    queue.send("a", "a1")
    queue.add_mapping(delete_the_first)

    eventually(queue.is_empty)
    assert caplog.records == []


def test_once_stopped_nothing_more_is_taken(queue: Queue) -> None:
    handler = Handler()
    mapping = queue.add_mapping(handler)
    queue.send("a", "a0")
    eventually(lambda: handler.records)

    mapping.stop()
    queue.send("a", "a1")

    assert queue.counts() == (1, 0)
    assert handler.bodies("a") == ["a0"]


def test_a_batch_reaches_a_real_handler_whole(queue: Queue, tmp_path: Path) -> None:
    event_file = tmp_path / "seen.json"
    (tmp_path / "sample.py").write_text(
        "import json\n"
        "def handle(event, context):\n"
        f"    with open({str(event_file)!r}, 'w') as file:\n"
        "        json.dump(event, file)\n"
    )
    spec = FunctionSpec(
        name="sample", handler="sample.handle", environment={}, timeout_seconds=120, memory_mb=128
    )
    function = Function(spec, Host(endpoint_url="http://127.0.0.1:9", task_root=tmp_path))
    queue.exits.callback(function.close)

    queue.send("a", "a0")
    queue.add_mapping(function.invoke)

    eventually(queue.is_empty)
    (record,) = json.loads(event_file.read_text())["Records"]
    assert record["body"] == "a0"
    assert record["eventSource"] == "aws:sqs"
    assert set(record["attributes"]) >= {
        "ApproximateFirstReceiveTimestamp",
        "ApproximateReceiveCount",
        "MessageDeduplicationId",
        "MessageGroupId",
        "SenderId",
        "SentTimestamp",
        "SequenceNumber",
    }
