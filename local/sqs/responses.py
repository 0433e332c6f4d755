"""Actions of SQS that moto lacks, or implements too narrowly for a FIFO queue."""

from typing import Any

from moto.core.responses import ActionResult
from moto.sqs.exceptions import InvalidParameterValue
from moto.sqs.responses import SQSResponse

from local.fifo import Received
from local.sqs import redrive, wire
from local.sqs.backend import ModelledBackend
from local.sqs.queue import ModelledQueue

MAX_MESSAGES = 10
MAX_WAIT_SECONDS = 20
MAX_TASKS = 10


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
        task = redrive.start(
            self._backend,
            self._get_param("SourceArn"),
            self._get_param("DestinationArn"),
            self._get_param("MaxNumberOfMessagesPerSecond"),
        )
        return ActionResult({"TaskHandle": task.handle})

    def list_message_move_tasks(self) -> ActionResult:
        limit = self._number("MaxResults", 1, 1, MAX_TASKS)
        tasks = redrive.newest(self._backend, self._get_param("SourceArn"), limit)
        return ActionResult({"Results": [wire.move_task(task) for task in tasks]})

    def cancel_message_move_task(self) -> ActionResult:
        task = redrive.cancel(self._backend, self._get_param("TaskHandle"))
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
        return wire.received_message(
            received,
            # The first name is an older one of the second; SQS still accepts both.
            system_names=[
                *self._get_param("AttributeNames", []),
                *self._get_param("MessageSystemAttributeNames", []),
            ],
            names=self._get_param("MessageAttributeNames", []),
        )
