"""Publisher straight onto the queue: for a producer that can wait for AWS, as our functions can."""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Self

from lakehook.adapters.sqs.events import EventEntry, batches
from lakehook.adapters.sqs.producer_client import open_events_queue
from lakehook.domain.errors import InfrastructureError, InvalidEvent, QueueUnavailable
from lakehook.domain.event import Event
from lakehook.domain.event_values import show_value

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

Publishable = Event | Mapping[str, Any]
Events = Publishable | Iterable[Publishable]
"""What a publisher takes: an event, a dict of its fields, or several of them."""


class Publisher:
    """Keeps the events of each pipeline in the order in which they are given."""

    def __init__(self, queue_url: str, client: "SQSClient | None" = None) -> None:
        """``PublishError`` when there is no such URL, no region, or no credentials."""
        self._queue = open_events_queue(queue_url, client)

    def publish(self, events: Events, *, sent: Callable[[int], None] | None = None) -> int:
        """Send an event or several; how many. ``sent`` is told of each batch that SQS has taken.

        ``InvalidEvent`` before anything is sent. ``QueueUnavailable`` at the first event that
        SQS does not take: no later one of its pipeline has gone, and all may be sent again, since
        an event is known by its id. Both are a ``PublishError``.
        """
        total = 0
        for batch in list(batches(to_entries(events))):
            try:
                refused = self._queue.send(batch)
            except InfrastructureError as error:
                raise QueueUnavailable(" ".join(str(error).split())) from error
            for entry, why in refused.items():
                raise QueueUnavailable(f"SQS did not take event {entry.event_id}: {why}")
            total += len(batch)
            if sent:
                sent(len(batch))
        return total

    async def apublish(self, events: Events) -> int:
        """As ``publish``, in a thread: the event loop does not wait for AWS."""
        import asyncio  # noqa: PLC0415  no function needs it

        return await asyncio.to_thread(self.publish, events)

    def close(self) -> None:
        """Nothing waits here: what was published has gone."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def to_entries(events: Events) -> list[EventEntry]:
    """Entries for the queue; ``InvalidEvent`` names the event among several, and its field."""
    if isinstance(events, Event | Mapping):
        return [_to_entry(events)]
    return [_numbered_entry(number, event) for number, event in enumerate(_each(events), start=1)]


def _each(events: Any) -> Iterable[Publishable]:
    """Several events; text is iterable, and no event in it."""
    if isinstance(events, str | bytes) or not isinstance(events, Iterable):
        raise InvalidEvent(f"{show_value(events)} is not an event: give an Event or a dict")
    return events


def _numbered_entry(number: int, event: Publishable) -> EventEntry:
    try:
        return _to_entry(event)
    except InvalidEvent as error:
        raise InvalidEvent(f"event {number}: {error}") from None


def _to_entry(event: Publishable) -> EventEntry:
    return EventEntry.of(event if isinstance(event, Event) else Event.from_values(event))
