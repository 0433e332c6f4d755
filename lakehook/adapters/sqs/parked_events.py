"""Parked events: ``events-dead-letter.fifo``, as people read and mend it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lakehook.adapters.aws import translate_aws_errors
from lakehook.adapters.sqs.scan import QueueScan, attribute
from lakehook.domain.errors import InfrastructureError
from lakehook.ports.queues import ParkedEvent

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.literals import QueueAttributeNameType

_COUNTS: "Sequence[QueueAttributeNameType]" = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
)


@dataclass(frozen=True)
class SqsParkedEvents:
    sqs: "SQSClient"
    url: str

    def count(self) -> int:
        with translate_aws_errors():
            answer = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=_COUNTS)
        return sum(int(answer["Attributes"][name]) for name in _COUNTS)

    def list(self) -> list[ParkedEvent]:
        scan, received = QueueScan(self.sqs, self.url), list[Any]()
        try:
            for messages in scan.receive_all():
                received += messages
        finally:
            scan.give_back(received)
        return sorted(map(_parked_event, received), key=lambda event: (event.parked_at, event.id))

    def delete(self, ids: Collection[str]) -> int:
        """Delete parked events, and return how many; raises if SQS keeps one of them."""
        scan, others, deleted = QueueScan(self.sqs, self.url), list[Any](), 0
        try:
            for messages in scan.receive_all():
                chosen = [message for message in messages if message["MessageId"] in ids]
                others += [message for message in messages if message["MessageId"] not in ids]
                if kept := scan.delete(chosen):
                    others += kept
                    names = ", ".join(message["MessageId"] for message in kept)
                    raise InfrastructureError(f"SQS did not delete {names}; try again")
                deleted += len(chosen)
                if deleted == len(ids):
                    break
        finally:
            scan.give_back(others)
        return deleted


def _parked_event(message: Any) -> ParkedEvent:
    system = message["Attributes"]
    return ParkedEvent(
        id=message["MessageId"],
        pipeline_key=system["MessageGroupId"],
        reason=attribute(message, "reason"),
        body=message["Body"],
        parked_at=int(system["SentTimestamp"]) / 1000,
    )
