"""The events queue for producers: each event in the message group of its pipeline."""

import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import BotoCoreError, NoRegionError

from lakehook.adapters.aws import PATIENT_CONFIG, new_session, translate_aws_errors
from lakehook.domain.errors import PublishError
from lakehook.domain.event import Event
from lakehook.domain.event_fields import show_value
from lakehook.domain.json_document import to_json

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html
MAX_ENTRIES = 10
MAX_BYTES = 1024 * 1024

_QUEUE_URL = re.compile(r"https?://[!-~]+\.fifo")
_ON_AWS = re.compile(r"https://sqs\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?/.*")
_EXAMPLE = "https://sqs.eu-central-1.amazonaws.com/123456789012/events.fifo"


@dataclass(frozen=True)
class EventEntry:
    """An event's entry for the queue. ``number`` is its position in a spool, if it was in one."""

    pipeline_key: str
    event_id: str
    body: str
    number: int = 0

    @classmethod
    def of(cls, event: Event) -> "EventEntry":
        """Build an entry; raises ``InvalidEvent`` where fan-out would reject it."""
        body = _body(event)
        Event.from_message(body, group=event.pipeline_key)
        return cls(event.pipeline_key, event.id, body)


@dataclass(frozen=True)
class EventsQueue:
    url: str
    sqs: "SQSClient"

    def send(self, batch: Sequence[EventEntry]) -> Mapping[EventEntry, str]:
        """Send a batch, and return the entries that SQS rejected, with reasons.

        Raises ``InfrastructureError`` if SQS does not respond.
        """
        entries: Any = [
            {
                "Id": str(index),
                "MessageBody": entry.body,
                "MessageGroupId": entry.pipeline_key,
                "MessageDeduplicationId": entry.event_id,
            }
            for index, entry in enumerate(batch)
        ]
        with translate_aws_errors():
            answer = self.sqs.send_message_batch(QueueUrl=self.url, Entries=entries)
        return {
            batch[int(failure["Id"])]: f"{failure['Code']} {failure.get('Message', '')}".strip()
            for failure in answer.get("Failed", [])
        }


def _body(event: Event) -> str:
    """Serialize compactly, without the two characters of JSON that SQS rejects."""
    text = to_json(event.document)
    return text.replace("\ufffe", r"\ufffe").replace("\uffff", r"\uffff")


def batches(entries: Iterable[EventEntry]) -> Iterator[list[EventEntry]]:
    """Pack batches for SQS, without two events of a pipeline: part of a batch may fail."""
    lines: dict[str, deque[EventEntry]] = {}
    for entry in entries:
        lines.setdefault(entry.pipeline_key, deque()).append(entry)
    while lines:
        batch = _packed(lines)
        yield batch
        for entry in batch:
            _step_back(lines, entry.pipeline_key)


def _packed(lines: dict[str, deque[EventEntry]]) -> list[EventEntry]:
    batch: list[EventEntry] = []
    size = 0
    for line in lines.values():
        size += len(line[0].body.encode())
        if len(batch) == MAX_ENTRIES or size > MAX_BYTES:
            break
        batch.append(line[0])
    return batch


def _step_back(lines: dict[str, deque[EventEntry]], pipeline_key: str) -> None:
    """Move a pipeline behind the others after its first event was taken."""
    line = lines.pop(pipeline_key)
    line.popleft()
    if line:
        lines[pipeline_key] = line


def open_events_queue(url: Any, client: "SQSClient | None") -> EventsQueue:
    """Open the queue; ``PublishError`` if the URL can't be one of a FIFO queue, or without access.

    A caller with a client of its own has the URL from the stack's output, as our functions do.
    """
    if isinstance(url, str) and (_QUEUE_URL.fullmatch(url) or (client and url)):
        return EventsQueue(url, client or new_sqs_client(url))
    raise PublishError(
        f"queue URL: {show_value(url)} is not the URL of a FIFO queue, such as {_EXAMPLE};"
        " the stack's output EventsQueueUrl says which"
    )


def new_sqs_client(queue_url: str) -> "SQSClient":
    """Create a client in the queue's region; ``PublishError`` without region or credentials."""
    on_aws = _ON_AWS.fullmatch(queue_url)
    try:
        session = new_session(region=on_aws[1] if on_aws else None)
        client = session.create_client("sqs", config=PATIENT_CONFIG)
        credentials = session.get_credentials()
    except NoRegionError:
        raise PublishError(
            "no AWS region: set AWS_REGION, or for a laptop AWS_ENDPOINT_URL"
        ) from None
    except (BotoCoreError, ValueError) as error:  # ValueError: an invalid endpoint URL
        raise PublishError(" ".join(str(error).split())) from error
    if credentials is None:
        raise PublishError(
            "no AWS credentials: give the process a role, AWS_PROFILE or AWS_ACCESS_KEY_ID;"
            " for a laptop set AWS_ENDPOINT_URL"
        )
    return cast("SQSClient", client)
