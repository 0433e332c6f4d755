"""Heartbeat of a batch: its messages are invisible while its worker lives, and seconds longer.

A queue's visibility timeout is six times a function's timeout, so that a throttled batch is not
received twice. After a crash it would keep the messages from everybody else for as long.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/working-with-messages.html
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event, Thread
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from lakehook.adapters.sqs.deliveries import MAX_ENTRIES
from lakehook.ports.queues import InFlightMessage

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import ChangeMessageVisibilityBatchRequestEntryTypeDef

INTERVAL_SECONDS = 4.0
VISIBLE_AFTER_SECONDS = 10
"""After the last beat: two may be lost, or late, before the messages are visible too early."""


@dataclass(frozen=True)
class SqsHeartbeat:
    sqs: "SQSClient"
    url: str
    interval_seconds: float = INTERVAL_SECONDS

    @contextmanager
    def __call__(self, messages: Sequence[InFlightMessage]) -> Iterator[None]:
        """Keep at most ten messages invisible; the first beat costs the batch no time."""
        ended = Event()
        Thread(target=self._beat, args=(messages, ended), name="heartbeat", daemon=True).start()
        try:
            yield
        finally:
            ended.set()

    def _beat(self, messages: Sequence[InFlightMessage], ended: Event) -> None:
        while not ended.is_set():
            self._hide(messages)
            ended.wait(self.interval_seconds)

    def _hide(self, messages: Sequence[InFlightMessage]) -> None:
        entries: list[ChangeMessageVisibilityBatchRequestEntryTypeDef] = [
            {
                "Id": str(index),
                "ReceiptHandle": message.receipt,
                "VisibilityTimeout": VISIBLE_AFTER_SECONDS,
            }
            for index, message in enumerate(messages[:MAX_ENTRIES])
        ]
        try:
            self.sqs.change_message_visibility_batch(QueueUrl=self.url, Entries=entries)
        except (BotoCoreError, ClientError):
            return  # the queue's own visibility timeout holds
