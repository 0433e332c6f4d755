"""The dead-letter queues: sent with attributes that say why, redriven, and stale copies deleted.

A deduplication id is new for each dead letter, else SQS would drop a second one within five
minutes. A dead letter that could not be recorded has the attempts of the next one, but not the
record's version.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from lakehook.adapters.aws import translate_aws_errors
from lakehook.adapters.sqs.scan import QueueScan, attribute
from lakehook.domain.delivery import Delivery, Lane, deduplication_id
from lakehook.domain.errors import InvalidMessage
from lakehook.domain.lane import MOVED_BY_SQS, DeliveryRecord
from lakehook.domain.queue_message import Message, decode, encode
from lakehook.ports.queues import EventMessage, QueueMessage
from lakehook.ports.system import Random

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

NO_VALUE = "-"  # SQS rejects an empty attribute
MAX_REASON_CHARACTERS = 1000
# SQS accepts the characters of XML 1.0. A message that can't be quarantined would return for ever.
_REFUSED = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
Copy = tuple[Lane, int, str]
"""Lane, sequence, attempts: a newer dead letter has more attempts, and its copy stays.

What Lakehook has not sent there says no attempts.
"""


@dataclass(frozen=True)
class SqsInvalidEventQueue:
    """``events-dead-letter.fifo``: invalid messages of producers, unchanged."""

    sqs: "SQSClient"
    url: str

    def quarantine(self, message: EventMessage, reason: str) -> None:
        send(
            self.sqs,
            self.url,
            body=message.body,
            group=message.group,
            deduplication_id=deduplication_id(message.id),
            attributes={"reason": reason},
        )


@dataclass(frozen=True)
class SqsDeadLetterQueue:
    """``dead-letter.fifo``: deliveries whose budget is spent, in their lane's group."""

    sqs: "SQSClient"
    url: str

    def send(self, record: DeliveryRecord, *, endpoint: str) -> None:
        assert record.delivery, f"{record.lane}#{record.sequence} is dead without its event"
        send(
            self.sqs,
            self.url,
            body=encode(record.delivery),
            group=str(record.lane),
            deduplication_id=deduplication_id(record.delivery.id, record.attempts, record.version),
            attributes=dead_letter_attributes(record, endpoint),
        )

    def quarantine(self, message: QueueMessage, reason: str) -> None:
        send(
            self.sqs,
            self.url,
            body=message.body,
            group=message.group,
            deduplication_id=deduplication_id(message.id),
            attributes={"reason": f"bad message: {reason}"},
        )


@dataclass(frozen=True)
class SqsDeadLetterRedriver:
    """Sender of redriven dead letters to ``deliveries.fifo``; none counts as a duplicate."""

    sqs: "SQSClient"
    url: str
    random: Random

    def send(self, record: DeliveryRecord, *, endpoint: str) -> None:
        assert record.delivery, f"{record.lane}#{record.sequence} is dead without its event"
        send(
            self.sqs,
            self.url,
            body=encode(record.delivery),
            group=str(record.lane),
            deduplication_id=self.random.new_id(),
            attributes=dead_letter_attributes(record, endpoint),
        )


@dataclass(frozen=True)
class SqsDeadLetterCopies:
    """``dead-letter.fifo``, searched from its front.

    Other messages stay in flight until the end, or they would hide the next ones of their lane;
    then they are visible again at once. SQS returns a lane's messages only up to one receive, so a
    copy deep in its lane may remain, without effect.
    """

    sqs: "SQSClient"
    url: str

    def delete_copies(self, records: Collection[DeliveryRecord]) -> int:
        wanted = {_record_key(record) for record in records}
        found: set[Copy | None] = set()
        others: list[Any] = []
        try:
            for messages in self._scan.receive_all() if wanted else ():
                copies = {
                    _delivery_key(message): message
                    for message in messages
                    if _delivery_key(message) in wanted
                }
                others += [message for message in messages if _delivery_key(message) not in wanted]
                kept = self._scan.delete(list(copies.values()))
                others += kept
                found |= copies.keys() - map(_delivery_key, kept)
                if found == wanted:
                    break
        finally:
            self._scan.give_back(others)
        return len(found)

    def without_reason(self) -> Sequence[Message | None]:
        found: list[Message | None] = []
        received: list[Any] = []
        try:
            for messages in self._scan.receive_all():
                received += messages
                found += [_decoded(m) for m in messages if not attribute(m, "reason")]
        finally:
            self._scan.give_back(received)
        return found

    @property
    def _scan(self) -> QueueScan:
        return QueueScan(self.sqs, self.url)


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
        "last_attempt_at": _format_rfc3339(last.at) if last else NO_VALUE,
    }


def _format_rfc3339(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")


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
    return _REFUSED.sub("\ufffd", value[:MAX_REASON_CHARACTERS]) or NO_VALUE


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
