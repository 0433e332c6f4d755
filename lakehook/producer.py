"""The pipeline service's door: events in, onto the events queue. Needs boto3 and nothing else."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from lakehook.adapters.aws import Aws, own_trouble
from lakehook.domain.document import text_of
from lakehook.domain.errors import OwnTrouble
from lakehook.domain.event import Event

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html
MOST_ENTRIES = 10
MOST_BYTES = 1024 * 1024

Entry = dict[str, Any]


class PipelineEventPublisher:
    """Keeps the events of each pipeline in the order in which they are given."""

    def __init__(self, queue_url: str, client: "SQSClient | None" = None) -> None:
        self._queue_url = queue_url
        self._sqs = client or Aws().sqs()

    def publish(self, events: Iterable[Event], *, sent: Callable[[int], None] | None = None) -> int:
        """Send events; how many. ``sent`` is told of each batch that SQS has taken.

        ``BadEvent`` before anything is sent. ``OwnTrouble`` at the first event that SQS does not
        take: no later one of its pipeline has gone, and all may be sent again, since an event
        is known by its id.
        """
        total = 0
        for batch in list(_batches([_entry(event) for event in events])):
            self._send(batch)
            total += len(batch)
            if sent:
                sent(len(batch))
        return total

    def _send(self, batch: list[Entry]) -> None:
        entries: Any = [{"Id": str(index), **entry} for index, entry in enumerate(batch)]
        with own_trouble():
            answer = self._sqs.send_message_batch(QueueUrl=self._queue_url, Entries=entries)
        for failure in answer.get("Failed", []):
            event_id = batch[int(failure["Id"])]["MessageDeduplicationId"]
            raise OwnTrouble(
                f"SQS did not take event {event_id}: {failure['Code']} {failure.get('Message', '')}"
            )


def _entry(event: Event) -> Entry:
    body = _body(event)
    Event.from_message(body, group=event.pipeline_id)
    return {
        "MessageBody": body,
        "MessageGroupId": event.pipeline_id,
        "MessageDeduplicationId": event.id,
    }


def _body(event: Event) -> str:
    """As short as JSON can be, without the two characters of JSON that SQS refuses."""
    text = text_of(event.document)
    return text.replace("\ufffe", r"\ufffe").replace("\uffff", r"\uffff")


def _batches(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    """Pack what SQS takes at once, never two of one pipeline: a batch may fail in the middle."""
    lines: dict[str, deque[Entry]] = {}
    for entry in entries:
        lines.setdefault(entry["MessageGroupId"], deque()).append(entry)
    while lines:
        batch = _packed(lines)
        yield batch
        for entry in batch:
            _step_back(lines, entry["MessageGroupId"])


def _packed(lines: dict[str, deque[Entry]]) -> list[Entry]:
    batch: list[Entry] = []
    size = 0
    for line in lines.values():
        size += len(line[0]["MessageBody"].encode())
        if len(batch) == MOST_ENTRIES or size > MOST_BYTES:
            break
        batch.append(line[0])
    return batch


def _step_back(lines: dict[str, deque[Entry]], pipeline_id: str) -> None:
    """The head of the line has gone; the rest of it goes behind the other pipelines."""
    line = lines.pop(pipeline_id)
    line.popleft()
    if line:
        lines[pipeline_id] = line
