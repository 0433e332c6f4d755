"""The dead-letter queues: sent with attributes that say why, redriven, and stale copies deleted.

A deduplication id is new for each dead letter, else SQS would drop a second one within five
minutes. A dead letter that could not be recorded has the attempts of the next one, but not the
record's version.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from lakehook.adapters.aws import translate_aws_errors
from lakehook.domain.delivery import Delivery, Lane, deduplication_id
from lakehook.domain.errors import InfrastructureError, InvalidMessage
from lakehook.domain.lane import MOVED_BY_SQS, DeliveryRecord
from lakehook.domain.queue_message import Message, decode, encode
from lakehook.domain.time import format_rfc3339
from lakehook.ports.queues import EventMessage, ParkedEvent, QueueMessage
from lakehook.ports.system import Random

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.literals import QueueAttributeNameType


AT_A_TIME = 10
MAX_RECEIVES = 200  # 2,000 messages are searched
VISIBILITY_SECONDS = 60
LONG_POLL_SECONDS = 1  # a short poll may find nothing where there is something

NO_VALUE = "-"  # SQS rejects an empty attribute
MAX_REASON_CHARACTERS = 1000
# SQS accepts the characters of XML 1.0. A message that can't be quarantined would return for ever.
_REFUSED = "[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
Copy = tuple[Lane, int, str]
"""Lane, sequence, attempts: a newer dead letter has more attempts, and its copy stays.

What Lakehook has not sent there says no attempts.
"""

_COUNTS: "Sequence[QueueAttributeNameType]" = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
)


@dataclass(frozen=True)
class QueueScan:
    """Scan of a queue from its front, for people: at its end all that is left is visible again.

    Until then it stays in flight, or it would hide the next ones of its group. SQS returns the
    messages of a group only up to one receive, so one deep in its group may stay unseen until those
    before it are gone.
    """

    sqs: "SQSClient"
    url: str
    _in_flight: dict[str, Any] = field(default_factory=dict, repr=False)  # by receipt

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for batch in _batches([*self._in_flight.values()]):
            entries = _entries(batch, VisibilityTimeout=0)
            with translate_aws_errors():
                self.sqs.change_message_visibility_batch(QueueUrl=self.url, Entries=entries)

    def receive_all(self) -> Iterator[list[Any]]:
        """Yield batches of messages."""
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
            messages = answer.get("Messages", [])
            if not messages:
                return
            self._in_flight.update((message["ReceiptHandle"], message) for message in messages)
            yield [*messages]

    def delete(self, messages: Sequence[Any]) -> list[Any]:
        """Delete messages, and return those that SQS has kept."""
        kept: list[Any] = []
        for batch in _batches(messages):
            with translate_aws_errors():
                answer = self.sqs.delete_message_batch(QueueUrl=self.url, Entries=_entries(batch))
            kept += [batch[int(failure["Id"])] for failure in answer.get("Failed", [])]
        for message in messages:
            if message not in kept:
                del self._in_flight[message["ReceiptHandle"]]
        return kept


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


@dataclass(frozen=True)
class SqsInvalidEventQueue:
    """``events-dead-letter.fifo``: invalid messages of producers, unchanged."""

    sqs: "SQSClient"
    url: str

    def quarantine(self, message: EventMessage, reason: str) -> None:
        _quarantine(self.sqs, self.url, message, reason)


@dataclass(frozen=True)
class SqsDeadLetterQueue:
    """``dead-letter.fifo``: deliveries whose budget is spent, in their lane's group."""

    sqs: "SQSClient"
    url: str

    def send(self, record: DeliveryRecord, *, endpoint: str) -> None:
        id_ = deduplication_id(record.id, record.attempts, record.version)
        _send_dead_letter(self.sqs, self.url, record, endpoint, deduplication_id=id_)

    def quarantine(self, message: QueueMessage, reason: str) -> None:
        _quarantine(self.sqs, self.url, message, f"bad message: {reason}")

    def delete_copies(self, records: Collection[DeliveryRecord]) -> int:
        """Search the queue from its front, and delete.

        SQS returns a lane's messages only up to one receive, so a copy deep in its lane may remain,
        without effect.
        """
        stale, deleted = {_record_key(record) for record in records}, set[Copy | None]()
        if not stale:
            return 0
        with QueueScan(self.sqs, self.url) as scan:
            for messages in scan.receive_all():
                copies = [message for message in messages if _delivery_key(message) in stale]
                kept = scan.delete(copies)
                deleted |= {*map(_delivery_key, copies)}.difference(map(_delivery_key, kept))
                if deleted == stale:
                    break
        return len(deleted)

    def without_reason(self) -> Sequence[Message | None]:
        with QueueScan(self.sqs, self.url) as scan:
            return [
                _decoded(message)
                for messages in scan.receive_all()
                for message in messages
                if not attribute(message, "reason")
            ]


@dataclass(frozen=True)
class SqsDeadLetterRedriver:
    """Sender of redriven dead letters to ``deliveries.fifo``; none counts as a duplicate."""

    sqs: "SQSClient"
    url: str
    random: Random

    def send(self, record: DeliveryRecord, *, endpoint: str) -> None:
        id_ = self.random.new_id()
        _send_dead_letter(self.sqs, self.url, record, endpoint, deduplication_id=id_)


def _quarantine(
    sqs: "SQSClient", url: str, message: EventMessage | QueueMessage, reason: str
) -> None:
    send(
        sqs,
        url,
        body=message.body,
        group=message.group,
        deduplication_id=deduplication_id(message.id),
        attributes={"reason": reason},
    )


def _send_dead_letter(
    sqs: "SQSClient", url: str, record: DeliveryRecord, endpoint: str, *, deduplication_id: str
) -> None:
    assert record.delivery, f"{record.id} is dead without its event"
    send(
        sqs,
        url,
        body=encode(record.delivery),
        group=str(record.lane),
        deduplication_id=deduplication_id,
        attributes=dead_letter_attributes(record, endpoint),
    )


def dead_letter_attributes(record: DeliveryRecord, endpoint: str) -> dict[str, str]:
    last = record.attempts_log[-1] if record.attempts_log else None
    return {
        "reason": record.reason,
        "subscription": record.lane.subscription_id,
        "endpoint": endpoint,
        "event_type": record.event_type,
        "pipeline_id": record.lane.pipeline_id,  # the group names the source
        "sequence": str(record.sequence),
        "attempts": str(record.attempts),
        "last_status": last.last_status if last else NO_VALUE,
        "last_attempt_at": format_rfc3339(last.at) if last else NO_VALUE,
    }


def send(  # noqa: PLR0913  a message has these parts
    sqs: "SQSClient",
    url: str,
    *,
    body: str,
    group: str,
    deduplication_id: str,
    attributes: Mapping[str, str],
) -> None:
    typed: Any = {
        name: {"DataType": "String", "StringValue": _sqs_text(value)}
        for name, value in attributes.items()
    }
    with translate_aws_errors():
        sqs.send_message(
            QueueUrl=url,
            MessageBody=body,
            MessageGroupId=group,
            MessageDeduplicationId=deduplication_id,
            MessageAttributes=typed,
        )


def _sqs_text(value: str) -> str:
    return re.sub(_REFUSED, "\ufffd", value[:MAX_REASON_CHARACTERS]) or NO_VALUE


def _record_key(record: DeliveryRecord) -> Copy:
    attempts = "" if record.reason == MOVED_BY_SQS else str(record.attempts)
    return record.lane, record.sequence, attempts


def _delivery_key(message: Any) -> Copy | None:
    """The key of a dead letter's copy; None for a quarantined message."""
    decoded = _decoded(message)
    if not isinstance(decoded, Delivery):
        return None
    return decoded.lane, decoded.sequence, attribute(message, "attempts")


def _decoded(message: Any) -> Message | None:
    try:
        return decode(message["Body"])
    except InvalidMessage:
        return None


@dataclass(frozen=True)
class SqsParkedEvents:
    """Parked events: ``events-dead-letter.fifo``, as people read and mend it."""

    sqs: "SQSClient"
    url: str

    def count(self) -> int:
        with translate_aws_errors():
            answer = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=_COUNTS)
        return sum(int(answer["Attributes"][name]) for name in _COUNTS)

    def list(self) -> list[ParkedEvent]:
        with QueueScan(self.sqs, self.url) as scan:
            events = [_parked_event(message) for batch in scan.receive_all() for message in batch]
        return sorted(events, key=lambda event: (event.parked_at, event.id))

    def delete(self, ids: Collection[str]) -> int:
        """Delete parked events, and return how many; raises if SQS keeps one of them."""
        deleted = 0
        with QueueScan(self.sqs, self.url) as scan:
            for messages in scan.receive_all():
                chosen = [message for message in messages if message["MessageId"] in ids]
                if kept := scan.delete(chosen):
                    names = ", ".join(message["MessageId"] for message in kept)
                    raise InfrastructureError(f"SQS did not delete {names}; try again")
                deleted += len(chosen)
                if deleted == len(ids):
                    break
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
