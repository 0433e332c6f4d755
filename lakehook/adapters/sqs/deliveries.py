"""The deliveries queue: deliveries, resumes and pings, each in the message group of its lane.

Batches are packed by bytes, and every ``Failed`` entry counts: SQS responds with 200 even when it
accepted none.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from lakehook.adapters.aws import translate_aws_errors
from lakehook.domain.delivery import Delivery, Lane, deduplication_id
from lakehook.domain.errors import InfrastructureError
from lakehook.domain.queue_message import Message, Ping, Resume, encode
from lakehook.ports.queues import InFlightMessage

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import ChangeMessageVisibilityBatchRequestEntryTypeDef


MAX_ENTRIES = 10
MAX_BYTES = 1024 * 1024
MAX_VISIBILITY_SECONDS = 43_000  # SQS counts its 12 hours from the receive

Entry = dict[str, Any]


@dataclass(frozen=True)
class SqsDeliveryQueue:
    """Implements ``DeliveryQueue``."""

    sqs: "SQSClient"
    url: str

    def enqueue_deliveries(self, deliveries: Sequence[Delivery]) -> Collection[str]:
        failed = self._send(
            _entry(delivery, deduplication_id(delivery.id)) for delivery in deliveries
        )
        return {deliveries[index].id for index in failed}

    def enqueue_resumes(self, resumes: Sequence[Resume]) -> Collection[Lane]:
        failed = self._send(
            _entry(resume, deduplication_id(resume.lane, resume.token)) for resume in resumes
        )
        return {resumes[index].lane for index in failed}

    def enqueue_ping(self, ping: Ping) -> None:
        if self._send([_entry(ping, deduplication_id(ping.id))]):
            raise InfrastructureError("the deliveries queue did not take the ping; try again")

    def _send(self, entries: Iterable[Entry]) -> set[int]:
        """Send entries as they are generated: a thousand subscribers are a thousand copies."""
        failed: set[int] = set()
        for batch in _packed(entries):
            with translate_aws_errors():
                answer = self.sqs.send_message_batch(QueueUrl=self.url, Entries=batch)
            failed |= {int(entry["Id"]) for entry in answer.get("Failed", [])}
        return failed


@dataclass(frozen=True)
class SqsMessageAcks:
    """``MessageAcks`` on SQS. With an expired receipt, the message is deleted or received again."""

    sqs: "SQSClient"
    url: str

    def ack(self, messages: Sequence[InFlightMessage]) -> None:
        for start in range(0, len(messages), MAX_ENTRIES):
            entries = [
                {"Id": str(index), "ReceiptHandle": message.receipt}
                for index, message in enumerate(messages[start : start + MAX_ENTRIES])
            ]
            try:
                self.sqs.delete_message_batch(QueueUrl=self.url, Entries=entries)  # type: ignore[arg-type]
            except (BotoCoreError, ClientError):
                return  # the event source deletes the rest

    def nack(self, message: InFlightMessage, *, seconds: float) -> None:
        try:
            self.sqs.change_message_visibility(
                QueueUrl=self.url,
                ReceiptHandle=message.receipt,
                VisibilityTimeout=max(0, min(ceil(seconds), MAX_VISIBILITY_SECONDS)),
            )
        except (BotoCoreError, ClientError):
            return  # it is received again after the queue's visibility timeout

    def extend(
        self, messages: Sequence[InFlightMessage], *, seconds: float
    ) -> Collection[InFlightMessage]:
        entries: list[ChangeMessageVisibilityBatchRequestEntryTypeDef] = [
            {
                "Id": str(index),
                "ReceiptHandle": message.receipt,
                "VisibilityTimeout": ceil(seconds),
            }
            for index, message in enumerate(messages)
        ]
        try:
            answer = self.sqs.change_message_visibility_batch(QueueUrl=self.url, Entries=entries)
        except (BotoCoreError, ClientError):
            return messages
        return [messages[int(entry["Id"])] for entry in answer.get("Failed", ())]


def _entry(message: Message, deduplication_id: str) -> Entry:
    return {
        "MessageBody": encode(message),
        "MessageGroupId": str(message.lane),
        "MessageDeduplicationId": deduplication_id,
    }


def _packed(entries: Iterable[Entry]) -> Iterator[list[Any]]:
    batch: list[Entry] = []
    size = 0
    for index, entry in enumerate(entries):
        bytes_more = len(entry["MessageBody"])  # ASCII, so characters are bytes
        if batch and (len(batch) == MAX_ENTRIES or size + bytes_more > MAX_BYTES):
            yield batch
            batch, size = [], 0
        batch.append({"Id": str(index), **entry})
        size += bytes_more
    if batch:
        yield batch
