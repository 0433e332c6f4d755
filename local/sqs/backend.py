"""Backend of moto's SQS with the model behind every FIFO queue."""

from threading import RLock
from time import time
from typing import Any

from moto.sqs.models import Message, Queue, SQSBackend

from local.fifo import FifoQueue, MoveTasks
from local.sqs.attributes import is_fifo
from local.sqs.batches import Entry, FailedEntry, check_batch, check_batch_size, do_each
from local.sqs.errors import refuse
from local.sqs.queue import ModelledQueue


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
            return queue.enqueue_deliveries(
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
