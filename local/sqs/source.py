"""Source of messages for an event source mapping: a FIFO queue of this process, without HTTP.

Lambda's pollers are a part of AWS, so a poll costs our functions no request, and none here.
"""

from collections.abc import Iterable
from threading import Event
from typing import Any

from moto.sqs.models import sqs_backends

from local.account import ACCOUNT_ID, REGION
from local.fifo import SqsError
from local.sqs.queue import ModelledQueue
from local.sqs.wire import received_message

_ALL = ["All"]


class QueueSource:
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
