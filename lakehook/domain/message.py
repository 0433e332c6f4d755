"""What travels through the deliveries queue: a delivery, or word that a lane may go on.

Messages carry a version; a release reads its own and the one before.
"""

from collections.abc import Callable
from dataclasses import dataclass

from lakehook.domain.delivery import Delivery, Lane, NumberedEvent
from lakehook.domain.document import Document, ascii_of, read_document
from lakehook.domain.errors import BadMessage
from lakehook.domain.event import Event

VERSION = 1


@dataclass(frozen=True)
class Resume:
    """A held lane may be looked at again. ``token`` is the due time that the clock gave it."""

    lane: Lane
    token: int
    probe: bool = False  # whether its endpoint is up again; it passes an open breaker


Message = Delivery | Resume


@dataclass(frozen=True)
class Received:
    """A message, and how it came."""

    message: Message
    again: bool = False  # not its first receive: perhaps it has brought a worker down
    redriven: bool = False  # from the dead-letter queue, which its reason attribute tells


def encode(message: Message) -> str:
    if isinstance(message, Resume):
        body: Document = {"kind": "resume", "token": message.token, "probe": message.probe}
    else:
        body = {
            "kind": "delivery",
            "sequence": message.sequence,
            "previous_event_type": message.numbered.previous_event_type,
            "event_id": message.event.id,
            "event": message.event.document,
        }
    return ascii_of({"version": VERSION, "lane": str(message.lane), **body})


def decode(text: str) -> Message:
    """Read a message; ``BadMessage`` says why it is none of ours."""
    try:
        body = read_document(text)
        read = _READERS[body["version"], body["kind"]]
        return read(body)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadMessage(f"neither a delivery nor a resume: {error!r}") from None


def _resume(body: Document) -> Resume:
    return Resume(Lane.parse(body["lane"]), int(body["token"]), probe=body.get("probe") is True)


def _delivery(body: Document) -> Delivery:
    event = Event(body["event_id"], body["event"])
    numbered = NumberedEvent(event, int(body["sequence"]), body["previous_event_type"])
    return Delivery(Lane.parse(body["lane"]), numbered)


_READERS: dict[tuple[int, str], Callable[[Document], Message]] = {
    (1, "delivery"): _delivery,
    (1, "resume"): _resume,
}
