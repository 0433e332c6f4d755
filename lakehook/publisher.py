"""Publisher straight onto the queue, for a producer that can wait for AWS, and our functions."""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Self

from lakehook.adapters.sqs.events import EventEntry, batches, open_events_queue
from lakehook.domain.errors import InfrastructureError, InvalidEvent, QueueUnavailable
from lakehook.domain.event import Event
from lakehook.domain.event_fields import show_value

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

Publishable = Event | Mapping[str, Any]
Events = Publishable | Iterable[Publishable]
"""An event, a dict of its fields, or several of them."""


class Publisher:
    """Publisher that keeps the order of each pipeline's events."""

    def __init__(self, queue_url: str, client: "SQSClient | None" = None) -> None:
        """Create a publisher; ``PublishError`` for a bad URL, or without region or credentials."""
        self._queue = open_events_queue(queue_url, client)

    def publish(self, events: Events, *, sent: Callable[[int], None] | None = None) -> int:
        """Send one or several events, and return how many. ``sent`` is called for each batch.

        Raises ``InvalidEvent`` before anything is sent, and ``QueueUnavailable`` at the first event
        that SQS does not accept. No later event of its pipeline was sent then, and all may be sent
        again, since events are recognized by id. Both are a ``PublishError``.
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
        """Publish in a thread, so that the event loop does not wait for AWS."""
        import asyncio  # noqa: PLC0415  no function needs it

        return await asyncio.to_thread(self.publish, events)

    def close(self) -> None:
        """Do nothing: there is no buffer to flush."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def to_entries(events: Events) -> list[EventEntry]:
    """Build the queue's entries; ``InvalidEvent`` names the event among several, and its field."""
    if isinstance(events, Event | Mapping):
        return [_to_entry(events)]
    return [_numbered_entry(number, event) for number, event in enumerate(_each(events), start=1)]


def _each(events: Any) -> Iterable[Publishable]:
    """Return the events; text is iterable, but is not an event."""
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
