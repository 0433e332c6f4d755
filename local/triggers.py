"""Triggers of the functions: queues, URLs, and schedules at a fixed rate as EventBridge's rules.

An event source mapping passes batches of a queue to a function, and deletes what is processed.
https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
Recorded: tests/outside/aws_lambda.
"""

import base64
import json
import logging
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import BoundedSemaphore, Event, Thread
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from local.account import ACCOUNT_ID, REGION
from local.function import Function
from local.function_url import FunctionUrl
from local.provision import MappingSpec, ProvisionedStack
from local.runtime_api import InvocationFailure, Result
from local.sqs.queue import QueueSource

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import MessageAttributeValueOutputTypeDef, MessageTypeDef

_LONG_POLL_SECONDS = 20
logger = logging.getLogger(__name__)

_CONCURRENCY = 4
"""Maximum processes of a function; the template's value is too high for a laptop."""


def event_of(messages: Iterable["MessageTypeDef"], *, queue_arn: str) -> dict[str, Any]:
    return {"Records": [_record(message, queue_arn) for message in messages]}


def _record(message: "MessageTypeDef", queue_arn: str) -> dict[str, Any]:
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message.get("Attributes", {}),
        "messageAttributes": {
            name: _message_attribute(value)
            for name, value in message.get("MessageAttributes", {}).items()
        },
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": queue_arn.split(":")[3],
    }


def _message_attribute(value: "MessageAttributeValueOutputTypeDef") -> dict[str, Any]:
    attribute: dict[str, Any] = {}
    if "StringValue" in value:
        attribute["stringValue"] = value["StringValue"]
    if "BinaryValue" in value:
        attribute["binaryValue"] = base64.b64encode(value["BinaryValue"]).decode()
    return attribute | {
        "stringListValues": [],
        "binaryListValues": [],
        "dataType": value["DataType"],
    }


def done(message_ids: Sequence[str], result: Result, *, reports_failures: bool) -> list[str]:
    """Return the messages to delete. An invalid response keeps the whole batch in the queue."""
    if isinstance(result, InvocationFailure):
        return []
    if not reports_failures:
        return list(message_ids)
    failed = _failed(result.payload)
    if failed is None or not failed <= set(message_ids):
        return []
    return [message_id for message_id in message_ids if message_id not in failed]


def _failed(payload: bytes) -> set[str] | None:
    """Return the ids that a handler reports; None if the response is not a report."""
    try:
        response = json.loads(payload or b"null")
    except ValueError:
        return None
    if response is None:
        return set()
    if not isinstance(response, dict):
        return None
    match response.get("batchItemFailures"):
        case None:
            return set()
        case list(failures):
            ids = {_identifier(failure) for failure in failures}
            return None if "" in ids else ids
    return None


def _identifier(failure: Any) -> str:
    match failure:
        case {"itemIdentifier": str(identifier)}:
            return identifier
    return ""


class EventSourceMapping:
    """Mapping of a queue to a function; the queue keeps a group from being in flight twice."""

    def __init__(
        self,
        spec: MappingSpec,
        invoke: Callable[[Mapping[str, Any]], Result],
        *,
        concurrency: int,
    ) -> None:
        self._spec = spec
        self._source = QueueSource(spec.queue_url)
        self._invoke = invoke
        self._slots = BoundedSemaphore(concurrency)
        self._invocations = ThreadPoolExecutor(concurrency, thread_name_prefix="invocation")
        self._stopping = Event()
        self._poller = Thread(target=self._poll, name=f"poller of {spec.function}", daemon=True)

    def start(self) -> None:
        self._poller.start()

    def ask_to_stop(self) -> None:
        """Request a stop, without waiting; a poll that has received is still invoked."""
        self._stopping.set()
        self._source.stop()

    def stop(self) -> None:
        """Wait until the last batch has been processed."""
        self.ask_to_stop()
        self._poller.join()
        self._invocations.shutdown()

    def _poll(self) -> None:
        """Receive only when a batch could be invoked, so that no message waits here."""
        while self._slots.acquire() and not self._stopping.is_set():
            messages: Any = self._source.receive(
                self._spec.batch_size, wait_seconds=_LONG_POLL_SECONDS
            )
            if messages:
                self._invocations.submit(self._deal_with, messages)
            else:
                self._slots.release()

    def _deal_with(self, messages: list["MessageTypeDef"]) -> None:
        try:
            self._invoke_and_delete(messages)
        except Exception:
            logger.exception("a batch of %s stays in its queue", self._spec.queue_arn)
        finally:
            self._slots.release()

    def _invoke_and_delete(self, messages: list["MessageTypeDef"]) -> None:
        result = self._invoke(event_of(messages, queue_arn=self._spec.queue_arn))
        receipts = {message["MessageId"]: message["ReceiptHandle"] for message in messages}
        if isinstance(result, InvocationFailure):
            self._leave_in_flight(receipts.values(), result)
        finished = done(list(receipts), result, reports_failures=self._spec.reports_failures)
        self._source.delete(receipts[message_id] for message_id in finished)

    def _leave_in_flight(self, _receipts: Collection[str], failure: InvocationFailure) -> None:
        """Leave messages in flight, as Lambda does: they come back at their visibility timeout."""
        if not self._stopping.is_set():
            logger.warning("%s failed: %s", self._spec.function, failure)


class Schedule:
    """Invocations one after the other; ticks during a running one become one afterwards."""

    def __init__(
        self,
        rule_arn: str,
        invoke: Callable[[Mapping[str, Any]], Result],
        *,
        every_seconds: float,
    ) -> None:
        self._rule_arn = rule_arn
        self._invoke = invoke
        self._every_seconds = every_seconds
        self._stopping = Event()
        self._ticker = Thread(target=self._tick, name=f"schedule {rule_arn}", daemon=True)

    def start(self) -> None:
        self._ticker.start()

    def ask_to_stop(self) -> None:
        self._stopping.set()

    def stop(self) -> None:
        """Wait until the last invocation has ended."""
        self.ask_to_stop()
        self._ticker.join()

    def _tick(self) -> None:
        due_at = time.monotonic() + self._every_seconds
        while not self._stopping.wait(max(0.0, due_at - time.monotonic())):
            self._invoke_once()
            due_at = max(due_at + self._every_seconds, time.monotonic())

    def _invoke_once(self) -> None:
        """Invoke; a failure does not prevent the next tick."""
        try:
            result = self._invoke(_scheduled_event(self._rule_arn))
        except Exception:
            logger.exception("%s could not invoke its function", self._rule_arn)
            return
        if isinstance(result, InvocationFailure) and not self._stopping.is_set():
            logger.warning("%s failed: %s", self._rule_arn, result)


def _scheduled_event(rule_arn: str) -> dict[str, Any]:
    """Build the event.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-run-lambda-schedule.html
    """
    now = datetime.fromtimestamp(time.time(), UTC)
    return {
        "version": "0",
        "id": str(uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": ACCOUNT_ID,
        "time": f"{now:%Y-%m-%dT%H:%M:%SZ}",
        "region": REGION,
        "resources": [rule_arn],
        "detail": {},
    }


Trigger = EventSourceMapping | Schedule | FunctionUrl


def concurrency_of(stack: ProvisionedStack) -> Mapping[str, int]:
    """Return the concurrency of each function."""
    mapped = {spec.function: spec.maximum_concurrency for spec in stack.mappings}
    reserved = {spec.name: spec.reserved_concurrency or 1 for spec in stack.functions}
    return {name: min(at_once, _CONCURRENCY) for name, at_once in (reserved | mapped).items()}


@dataclass(frozen=True, kw_only=True)
class Triggers:
    stack: ProvisionedStack
    functions: Mapping[str, Function]
    urls: Mapping[str, FunctionUrl]  # by URL
    clock_seconds: float | None

    def __iter__(self) -> Iterator[Trigger]:
        yield from self._mappings()
        yield from self._schedules()
        for spec in self.stack.urls:
            yield self.urls[spec.url].to(self.functions[spec.function].invoke)

    def _mappings(self) -> Iterator[EventSourceMapping]:
        concurrency = concurrency_of(self.stack)
        for spec in self.stack.mappings:
            yield EventSourceMapping(
                spec,
                self.functions[spec.function].invoke,
                concurrency=concurrency[spec.function],
            )

    def _schedules(self) -> Iterator[Schedule]:
        for spec in self.stack.schedules:
            yield Schedule(
                spec.rule_arn,
                self.functions[spec.function].invoke,
                every_seconds=self.clock_seconds or spec.every_seconds,
            )
