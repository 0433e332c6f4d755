"""Parked events for people: found by their ids, published again, deleted."""

from dataclasses import dataclass

from lakehook.domain.errors import NotFound
from lakehook.domain.event import Event, parse_event
from lakehook.ports.ingress import Publish
from lakehook.ports.queues import ParkedEvent, ParkedEvents

MAX_SHOWN = 80  # characters of an id in an error


@dataclass(frozen=True)
class ManageParkedEvents:
    parked: ParkedEvents
    publish: Publish

    def all(self) -> list[ParkedEvent]:
        """Return them, the oldest first. For a moment nobody else sees them."""
        return self.parked.list()

    def find(self, parked_id: str) -> ParkedEvent:
        for event in self.parked.list():
            if event.id == parked_id:
                return event
        raise _not_parked(parked_id)

    def send(self, parked_id: str, body: str | None = None) -> Event:
        """Publish it, as it is or with another body, and delete what was parked.

        It comes after what its pipeline has published since. A crash in between leaves it parked;
        sent again, it is a duplicate.
        """
        found = self.find(parked_id)
        event = parse_event(found.body if body is None else body)
        self.publish([event])
        self.parked.delete([found.id])
        return event

    def delete(self, parked_id: str) -> None:
        if not self.parked.delete([parked_id]):
            raise _not_parked(parked_id)


def _not_parked(parked_id: str) -> NotFound:
    return NotFound(f"no parked event {parked_id[:MAX_SHOWN]!a} is on the queue")
