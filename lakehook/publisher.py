"""Publisher straight onto the queue: for a producer that can wait for AWS, as our functions can."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from lakehook.adapters.aws import Aws
from lakehook.adapters.sqs.events import EventEntry, EventsQueue, batches
from lakehook.domain.errors import InfrastructureError
from lakehook.domain.event import Event

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


class PipelineEventPublisher:
    """Keeps the events of each pipeline in the order in which they are given."""

    def __init__(self, queue_url: str, client: "SQSClient | None" = None) -> None:
        self._queue = EventsQueue(queue_url, client or Aws().sqs())

    def publish(self, events: Iterable[Event], *, sent: Callable[[int], None] | None = None) -> int:
        """Send events; how many. ``sent`` is told of each batch that SQS has taken.

        ``InvalidEvent`` before anything is sent. ``InfrastructureError`` at the first event that
        SQS does not take: no later one of its pipeline has gone, and all may be sent again, since
        an event
        is known by its id.
        """
        total = 0
        for batch in list(batches([EventEntry.of(event) for event in events])):
            for entry, why in self._queue.send(batch).items():
                raise InfrastructureError(f"SQS did not take event {entry.event_id}: {why}")
            total += len(batch)
            if sent:
                sent(len(batch))
        return total
