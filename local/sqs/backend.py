"""SQS of moto with the model behind every FIFO queue, and the actions that moto lacks.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html
"""

from threading import RLock
from time import time
from types import SimpleNamespace
from typing import Any

from moto.core.responses import ActionResult
from moto.sqs import urls
from moto.sqs.exceptions import InvalidParameterValue, SQSException
from moto.sqs.models import Message, Queue, SQSBackend
from moto.sqs.responses import SQSResponse

from local.fifo import FifoQueue, MoveTask, MoveTasks, Received
from local.sqs.queue import ModelledQueue, as_moto_errors, is_fifo, refuse
from local.sqs.wire import (
    Entry,
    FailedEntry,
    check_batch,
    check_batch_size,
    do_each,
    move_task,
    received_message,
)

MAX_MESSAGES = 10
MAX_WAIT_SECONDS = 20
MAX_TASKS = 10


class ModelledBackend(SQSBackend):
    """Backend whose methods serve FIFO queues, and leave the others to moto."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.lock = RLock()
        self.tasks = MoveTasks(time, self._model_named)

    def create_queue(
        self, name: str, tags: dict[str, str] | None = None, **attributes: Any
    ) -> Queue:
        if name in self.queues or not is_fifo(attributes):
            return super().create_queue(name, tags, **attributes)
        attributes.pop("region", None)
        queue = ModelledQueue(
            name, self.region_name, self.account_id, self.lock, self.tasks, **attributes
        )
        queue.tags = tags or {}
        return self.queues.setdefault(name, queue)

    def set_queue_attributes(self, queue_name: str, attributes: dict[str, Any]) -> Queue:
        queue = self.get_queue(queue_name)
        if not isinstance(queue, ModelledQueue):
            return super().set_queue_attributes(queue_name, attributes)
        queue.set_attributes(attributes)
        return queue

    def send_message(  # noqa: PLR0913, PLR0917  the signature is moto's
        self,
        queue_name: str,
        message_body: str,
        message_attributes: dict[str, Any] | None = None,
        delay_seconds: int | None = None,
        deduplication_id: str | None = None,
        group_id: str | None = None,
        system_attributes: dict[str, Any] | None = None,
        validate_group_id: bool = True,  # noqa: FBT001, FBT002  likewise
    ) -> Message:
        queue = self.get_queue(queue_name)
        if isinstance(queue, ModelledQueue):
            refuse("DelaySeconds", delay_seconds)
            return queue.send(
                message_body,
                group_id=group_id,
                deduplication_id=deduplication_id,
                attributes=message_attributes,
                system_attributes=system_attributes,
            )
        refuse("MessageDeduplicationId", deduplication_id)
        return super().send_message(
            queue_name,
            message_body,
            message_attributes,
            delay_seconds,
            group_id=group_id,
            system_attributes=system_attributes,
            validate_group_id=validate_group_id,
        )

    def send_message_batch(
        self, queue_name: str, entries: dict[str, Entry]
    ) -> tuple[list[Message], list[FailedEntry]]:
        queue = self.get_queue(queue_name)
        if not isinstance(queue, ModelledQueue):
            return super().send_message_batch(queue_name, entries)
        check_batch(list(entries.values()))
        check_batch_size(entries.values())
        queue.check_ids(entries.values())
        return do_each(entries.values(), queue.send_entry)

    def delete_message(self, queue_name: str, receipt_handle: str) -> None:
        queue = self.get_queue(queue_name)
        if not isinstance(queue, ModelledQueue):
            return super().delete_message(queue_name, receipt_handle)
        with queue.model() as model:
            return model.delete(receipt_handle)

    def delete_message_batch(
        self, queue_name: str, receipts: list[Entry]
    ) -> tuple[list[str], list[FailedEntry]]:
        check_batch(receipts)
        return do_each(receipts, lambda entry: self._delete_entry(queue_name, entry))

    def change_message_visibility(
        self, queue_name: str, receipt_handle: str, visibility_timeout: int
    ) -> None:
        queue = self.get_queue(queue_name)
        if not isinstance(queue, ModelledQueue):
            return super().change_message_visibility(queue_name, receipt_handle, visibility_timeout)
        with queue.model() as model:
            return model.change_visibility(receipt_handle, visibility_timeout)

    def change_message_visibility_batch(
        self, queue_name: str, entries: list[Entry]
    ) -> tuple[list[str], list[FailedEntry]]:
        check_batch(entries)
        return do_each(entries, lambda entry: self._change_entry(queue_name, entry))

    def purge_queue(self, queue_name: str) -> None:
        super().purge_queue(queue_name)
        queue = self.get_queue(queue_name)
        if isinstance(queue, ModelledQueue):
            with queue.model() as model:
                model.purge()

    def modelled(self, arn: str) -> ModelledQueue | None:
        queue = self.queues.get(arn.rpartition(":")[2])
        return queue if isinstance(queue, ModelledQueue) and queue.queue_arn == arn else None

    def wake_all(self) -> None:
        for queue in list(self.queues.values()):
            if isinstance(queue, ModelledQueue):
                queue.wake()

    def _model_named(self, arn: str) -> FifoQueue | None:
        queue = self.modelled(arn)
        return queue.fifo if queue else None

    def _delete_entry(self, queue_name: str, entry: Entry) -> str:
        self.delete_message(queue_name, entry["ReceiptHandle"])
        return str(entry["Id"])

    def _change_entry(self, queue_name: str, entry: Entry) -> str:
        self.change_message_visibility(
            queue_name, entry["ReceiptHandle"], int(entry["VisibilityTimeout"])
        )
        return str(entry["Id"])


def start_move(
    backend: ModelledBackend, source_arn: str, destination_arn: str | None, per_second: int | None
) -> MoveTask:
    source = _find_queue(backend, "SourceArn", source_arn)
    destination = (
        _find_queue(backend, "DestinationArn", destination_arn) if destination_arn else None
    )
    if not backend.list_dead_letter_source_queues(source.name):
        raise InvalidParameterValue("Source queue must be configured as a Dead Letter Queue.")
    with backend.lock, as_moto_errors():
        task = backend.tasks.start(
            source.fifo, destination.fifo if destination else None, per_second
        )
        backend.wake_all()
    return task


def newest_moves(backend: ModelledBackend, source_arn: str, limit: int) -> list[MoveTask]:
    source = _find_queue(backend, "SourceArn", source_arn)
    with backend.lock:
        return backend.tasks.newest(source.fifo.name, limit)


def cancel_move(backend: ModelledBackend, handle: str) -> MoveTask:
    with backend.lock, as_moto_errors():
        return backend.tasks.cancel(handle)


def _find_queue(backend: ModelledBackend, parameter: str, arn: str) -> ModelledQueue:
    if queue := backend.modelled(arn):
        return queue
    raise SQSException(
        "ResourceNotFoundException",
        f"The resource that you specified for the {parameter} parameter doesn't exist.",
    )


class ModelledResponse(SQSResponse):
    """Response object, which moto creates for each request."""

    def receive_message(self) -> ActionResult:
        queue = self._backend.get_queue(self._get_queue_name())
        if not isinstance(queue, ModelledQueue):
            return super().receive_message()
        received = queue.receive(
            self._number("MaxNumberOfMessages", 1, 1, MAX_MESSAGES),
            wait_seconds=self._number(
                "WaitTimeSeconds", queue.receive_message_wait_time_seconds, 0, MAX_WAIT_SECONDS
            ),
            hold_seconds=self._get_param("VisibilityTimeout"),
            attempt_id=self._get_param("ReceiveRequestAttemptId"),
        )
        return ActionResult(
            {"Messages": [self._shown(message) for message in received]} if received else {}
        )

    def start_message_move_task(self) -> ActionResult:
        task = start_move(
            self._backend,
            self._get_param("SourceArn"),
            self._get_param("DestinationArn"),
            self._get_param("MaxNumberOfMessagesPerSecond"),
        )
        return ActionResult({"TaskHandle": task.handle})

    def list_message_move_tasks(self) -> ActionResult:
        limit = self._number("MaxResults", 1, 1, MAX_TASKS)
        tasks = newest_moves(self._backend, self._get_param("SourceArn"), limit)
        return ActionResult({"Results": [move_task(task) for task in tasks]})

    def cancel_message_move_task(self) -> ActionResult:
        task = cancel_move(self._backend, self._get_param("TaskHandle"))
        return ActionResult({"ApproximateNumberOfMessagesMoved": task.moved})

    @property
    def _backend(self) -> ModelledBackend:
        backend = self.sqs_backend
        assert isinstance(backend, ModelledBackend)
        return backend

    def _number(self, parameter: str, default: int, least: int, most: int) -> int:
        number = int(self._get_param(parameter, default))
        if not least <= number <= most:
            raise InvalidParameterValue(
                f"Value {number} for parameter {parameter} is invalid. "
                f"Reason: Must be between {least} and {most}, if provided."
            )
        return number

    def _shown(self, received: Received) -> dict[str, Any]:
        return received_message(
            received,
            # The first name is an older one of the second; SQS still accepts both.
            system_names=[
                *self._get_param("AttributeNames", []),
                *self._get_param("MessageSystemAttributeNames", []),
            ],
            names=self._get_param("MessageAttributeNames", []),
        )


class ModelledService(ModelledBackend):
    @property
    def _url_module(self) -> SimpleNamespace:
        """Module of the URLs; moto would look for a module ``urls`` next to this one."""
        return SimpleNamespace(
            url_bases=urls.url_bases,
            url_paths=dict.fromkeys(urls.url_paths, ModelledResponse.dispatch),
        )
