"""Scan of a queue from its front, for people: what is received is visible again afterwards.

SQS returns the messages of a group only up to one receive, so one deep in its group may stay
unseen until those before it are gone.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lakehook.adapters.aws import translate_aws_errors

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

AT_A_TIME = 10
MAX_RECEIVES = 200  # 2,000 messages are searched
VISIBILITY_SECONDS = 60
LONG_POLL_SECONDS = 1  # a short poll may find nothing where there is something


@dataclass(frozen=True)
class QueueScan:
    sqs: "SQSClient"
    url: str

    def receive_all(self) -> Iterator[list[Any]]:
        """Batches of messages, which stay in flight until they are given back."""
        for _ in range(MAX_RECEIVES):
            with translate_aws_errors():
                answer = self.sqs.receive_message(
                    QueueUrl=self.url,
                    MaxNumberOfMessages=AT_A_TIME,
                    VisibilityTimeout=VISIBILITY_SECONDS,
                    WaitTimeSeconds=LONG_POLL_SECONDS,
                    MessageSystemAttributeNames=["MessageGroupId", "SentTimestamp"],
                    MessageAttributeNames=["attempts", "reason"],
                )
            if not answer.get("Messages"):
                return
            yield list(answer["Messages"])

    def delete(self, messages: Sequence[Any]) -> list[Any]:
        """Delete messages, and return those that SQS has kept."""
        kept: list[Any] = []
        for batch in _batches(messages):
            with translate_aws_errors():
                answer = self.sqs.delete_message_batch(QueueUrl=self.url, Entries=_entries(batch))
            kept += [batch[int(failure["Id"])] for failure in answer.get("Failed", [])]
        return kept

    def give_back(self, messages: Sequence[Any]) -> None:
        for batch in _batches(messages):
            entries = _entries(batch, VisibilityTimeout=0)
            with translate_aws_errors():
                self.sqs.change_message_visibility_batch(QueueUrl=self.url, Entries=entries)


def attribute(message: Any, name: str) -> str:
    value: str = message.get("MessageAttributes", {}).get(name, {}).get("StringValue", "")
    return value


def _batches(messages: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(messages), AT_A_TIME):
        yield messages[start : start + AT_A_TIME]


def _entries(messages: Sequence[Any], **change: int) -> list[Any]:
    return [
        {"Id": str(index), "ReceiptHandle": message["ReceiptHandle"], **change}
        for index, message in enumerate(messages)
    ]
