"""FIFO queue of moto whose messages are in the model, with blocking long polls.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from math import inf
from threading import Condition, Event, RLock
from time import time
from typing import Any

from moto.sqs.exceptions import (
    InvalidAttributeValue,
    InvalidParameterValue,
    MissingParameter,
    SQSException,
)
from moto.sqs.models import Queue, sqs_backends

from local.account import ACCOUNT_ID, REGION
from local.fifo import FifoQueue, MoveTasks, QueueSettings, Received, RedrivePolicy, SqsError
from local.fifo.message_store import choose_id
from local.sqs.wire import Entry, WireMessage, received_message, sent_message

CHOICES = {
    "DeduplicationScope": ("queue", "messageGroup"),
    "FifoThroughputLimit": ("perQueue", "perMessageGroupId"),
}
_ALL = ["All"]


@contextmanager
def as_moto_errors() -> Iterator[None]:
    try:
        yield
    except SqsError as refusal:
        raise SQSException(refusal.code, str(refusal)) from refusal


def refuse(parameter: str, value: object) -> None:
    """Reject a parameter, if given, that applies only to the other type of queue."""
    if value:
        raise InvalidParameterValue(
            f"Value {value} for parameter {parameter} is invalid. Reason: "
            "The request include parameter that is not valid for this queue type."
        )


def is_fifo(attributes: Mapping[str, Any]) -> bool:
    return str(attributes.get("FifoQueue")).lower() == "true"


def check_throughput(attributes: Mapping[str, Any]) -> None:
    for name, choices in CHOICES.items():
        if attributes[name] not in choices:
            raise InvalidAttributeValue(name)
    scope, limit = (attributes[name] for name in CHOICES)
    if limit == "perMessageGroupId" and scope != "messageGroup":
        raise InvalidParameterValue(
            "The perMessageGroupId value of FifoThroughputLimit is allowed only when the value of "
            "DeduplicationScope is messageGroup."
        )


def settings_from(attributes: Mapping[str, Any], redrive: RedrivePolicy | None) -> QueueSettings:
    return QueueSettings(
        visibility_timeout=attributes["VisibilityTimeout"],
        delay=attributes["DelaySeconds"],
        retention=attributes["MessageRetentionPeriod"],
        maximum_message_size=attributes["MaximumMessageSize"],
        content_based_deduplication=attributes["ContentBasedDeduplication"] == "true",
        deduplication_per_group=attributes["DeduplicationScope"] == "messageGroup",
        redrive=redrive,
    )


class ModelledQueue(Queue):
    """Queue of moto on the model. All queues of an account share one lock: a receive may use two.

    A long poll knows when time alone brings it a message, and waits until then. Whatever makes that
    time earlier notifies it.
    """

    # moto sets these by their SQS names.
    receive_message_wait_time_seconds: int
    redrive_policy: dict[str, Any] | None

    def __init__(
        self,
        name: str,
        region: str,
        account_id: str,
        lock: RLock,
        tasks: MoveTasks,
        **attributes: Any,
    ) -> None:
        super().__init__(name, region, account_id, **attributes)
        self._changed = Condition(lock)
        self._tasks = tasks
        self._expected_at = inf
        self.fifo = FifoQueue(time, name=self.queue_arn)
        check_throughput(self.attributes)
        self._configure()

    @contextmanager
    def model(self) -> Iterator[FifoQueue]:
        """Lock the model for one thread, and convert its errors to moto's."""
        with self._changed:
            try:
                self._tasks.advance()
                with as_moto_errors():
                    yield self.fifo
            finally:
                self.wake()
                if isinstance(self.dead_letter_queue, ModelledQueue):
                    self.dead_letter_queue.wake()

    def send(
        self,
        body: str,
        *,
        group_id: str | None,
        deduplication_id: str | None,
        attributes: dict[str, Any] | None,
        system_attributes: dict[str, Any] | None,
    ) -> WireMessage:
        if not group_id:
            raise MissingParameter("MessageGroupId")
        with self.model() as model:
            sent = model.send(
                body,
                group_id=group_id,
                deduplication_id=deduplication_id,
                attributes=attributes,
                trace_header=(system_attributes or {}).get("AWSTraceHeader", {}).get("StringValue"),
            )
        return sent_message(sent, body, attributes or {})

    def check_ids(self, entries: Iterable[Entry]) -> None:
        """Reject the whole batch if an entry lacks an id, as SQS was recorded to do."""
        for entry in entries:
            if not entry.get("MessageGroupId"):
                raise InvalidParameterValue(
                    "The request must contain the parameter MessageGroupId."
                )
            if not entry.get("MessageDeduplicationId"):
                with as_moto_errors():
                    choose_id(None, entry["MessageBody"], self.fifo.settings)

    def send_entry(self, entry: Entry) -> WireMessage:
        refuse("DelaySeconds", entry["DelaySeconds"])
        message = self.send(
            entry["MessageBody"],
            group_id=entry.get("MessageGroupId"),
            deduplication_id=entry.get("MessageDeduplicationId"),
            attributes=entry["MessageAttributes"],
            system_attributes=entry.get("MessageSystemAttributes"),
        )
        message.user_id = entry["Id"]
        return message

    def receive(
        self,
        limit: int,
        *,
        wait_seconds: float,
        hold_seconds: int | None,
        attempt_id: str | None,
        stopping: Event | None = None,
    ) -> list[Received]:
        """Return as soon as there is a message, or with none when the wait is over or stopping."""
        deadline = time() + wait_seconds
        with self._changed:
            while not (stopping and stopping.is_set()):
                with self.model() as model:
                    received = model.receive(
                        limit, visibility_timeout=hold_seconds, attempt_id=attempt_id
                    )
                if received or time() >= deadline:
                    return received
                self._sleep(deadline)
        return []

    def interrupt(self) -> None:
        """Let waiting polls see that they are to stop."""
        with self._changed:
            self._changed.notify_all()

    def wake(self) -> None:
        """Notify waiting polls, in case a message comes earlier than expected."""
        if self._ready_at() < self._expected_at:
            self._changed.notify_all()

    def set_attributes(self, attributes: dict[str, Any]) -> None:
        check_throughput({**self.attributes, **attributes})
        self._set_attributes(attributes)
        self._configure()

    def is_created(self) -> bool:
        return True

    @property
    def approximate_number_of_messages(self) -> int:
        with self.model() as model:
            return model.counts().visible

    @property
    def approximate_number_of_messages_not_visible(self) -> int:
        with self.model() as model:
            return model.counts().in_flight

    @property
    def approximate_number_of_messages_delayed(self) -> int:
        with self.model() as model:
            return model.counts().delayed

    def _sleep(self, deadline: float) -> None:
        self._expected_at = self._ready_at()
        self._changed.wait(max(0.0, min(deadline, self._expected_at) - time()))

    def _ready_at(self) -> float:
        return min(self.fifo.ready_at(), self._tasks.next_step_at())

    def _configure(self) -> None:
        with self.model() as model:
            model.settings = settings_from(self.attributes, self._redrive())

    def _redrive(self) -> RedrivePolicy | None:
        target = self.dead_letter_queue
        if not self.redrive_policy or not isinstance(target, ModelledQueue):
            return None
        return RedrivePolicy(
            queue=target.fifo, max_receive_count=self.redrive_policy["maxReceiveCount"]
        )


class QueueSource:
    """Source of messages for an event source mapping, without HTTP.

    Lambda's pollers are a part of AWS, so a poll costs our functions no request, and none here.
    """

    def __init__(self, queue_url: str) -> None:
        queue = sqs_backends[ACCOUNT_ID][REGION].get_queue(queue_url.rpartition("/")[2])
        assert isinstance(queue, ModelledQueue), f"{queue_url} is not a FIFO queue"
        self._queue = queue
        self._stopping = Event()

    def receive(self, limit: int, *, wait_seconds: float) -> list[dict[str, Any]]:
        """Receive as SQS's ReceiveMessage shows messages; nothing once this is stopped."""
        received = self._queue.receive(
            limit,
            wait_seconds=wait_seconds,
            hold_seconds=None,
            attempt_id=None,
            stopping=self._stopping,
        )
        return [received_message(each, system_names=_ALL, names=_ALL) for each in received]

    def delete(self, receipts: Iterable[str]) -> None:
        """Delete messages; a receipt that has expired is ignored, as Lambda does."""
        for receipt in receipts:
            with self._queue.model() as model:
                try:
                    model.delete(receipt)
                except SqsError:
                    continue

    def stop(self) -> None:
        """End a waiting poll."""
        self._stopping.set()
        self._queue.interrupt()
