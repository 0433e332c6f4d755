"""The two dead-letter queues: what stands there says why in attributes an operator can read.

A deduplication id is new for each death, else SQS would swallow a second one within five minutes:
a death that could not be recorded has the attempts of the next one, but not the record's version.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from lakehook.adapters.aws import own_trouble
from lakehook.domain.delivery import fingerprint
from lakehook.domain.lane import DeliveryRecord
from lakehook.domain.message import encode
from lakehook.ports.events import Notice
from lakehook.ports.messages import Parcel

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

NONE = "-"  # SQS refuses an empty attribute
MOST_REASON_CHARACTERS = 1000
# SQS takes what XML 1.0 takes. A message that could not be put aside would come again for ever.
_REFUSED = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class SqsSiding:
    """``events-dead-letter.fifo``: bad messages of producers, whole."""

    sqs: "SQSClient"
    url: str

    def park(self, notice: Notice, reason: str) -> None:
        send(
            self.sqs,
            self.url,
            body=notice.body,
            group=notice.group,
            deduplication_id=fingerprint(notice.id),
            attributes={"reason": reason},
        )


@dataclass(frozen=True)
class SqsDeadLetters:
    """``dead-letter.fifo``: deliveries whose budget is spent, in the group of their lane."""

    sqs: "SQSClient"
    url: str

    def bury(self, record: DeliveryRecord, *, endpoint: str) -> None:
        assert record.delivery, f"{record.lane}#{record.sequence} dies without its event"
        send(
            self.sqs,
            self.url,
            body=encode(record.delivery),
            group=str(record.lane),
            deduplication_id=fingerprint(record.delivery.id, record.attempts, record.version),
            attributes=epitaph(record, endpoint),
        )

    def park(self, parcel: Parcel, reason: str) -> None:
        send(
            self.sqs,
            self.url,
            body=parcel.body,
            group=parcel.group,
            deduplication_id=fingerprint(parcel.id),
            attributes={"reason": f"bad message: {reason}"},
        )


def epitaph(record: DeliveryRecord, endpoint: str) -> dict[str, str]:
    last = record.log[-1] if record.log else None
    return {
        "reason": record.reason,
        "subscription": record.lane.subscription_id,
        "endpoint": endpoint,
        "event_type": record.event_type,
        "pipeline_id": record.lane.pipeline_id,  # the group says of which source
        "sequence": str(record.sequence),
        "attempts": str(record.attempts),
        "last_status": last.last_status if last else NONE,
        "last_attempt_at": _rfc_3339(last.at) if last else NONE,
    }


def _rfc_3339(at: float) -> str:
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
        name: {"DataType": "String", "StringValue": _accepted(value)}
        for name, value in attributes.items()
    }
    with own_trouble():
        sqs.send_message(
            QueueUrl=url,
            MessageBody=body,
            MessageGroupId=group,
            MessageDeduplicationId=deduplication_id,
            MessageAttributes=typed,
        )


def _accepted(value: str) -> str:
    return _REFUSED.sub("\ufffd", value[:MOST_REASON_CHARACTERS]) or NONE
