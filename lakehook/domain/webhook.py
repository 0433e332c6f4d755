"""The webhook channel: how a delivery is rendered, and how an answer is read."""

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from lakehook import __version__
from lakehook.domain import trace
from lakehook.domain.channel import Content, Letter, Seal
from lakehook.domain.delivery import Delivery
from lakehook.domain.destination import Destination
from lakehook.domain.document import text_of
from lakehook.domain.endpoint import Endpoint
from lakehook.domain.event import Event
from lakehook.domain.instant import instant
from lakehook.domain.language import Language
from lakehook.domain.outcome import Answer, Outcome, Reading
from lakehook.domain.ping import Ping
from lakehook.domain.request import Request
from lakehook.domain.retry import LONGEST_HINT_SECONDS
from lakehook.domain.signature import SigningKey, signatures
from lakehook.domain.template import Typeset
from lakehook.domain.trace import Trace

USER_AGENT = f"Lakehook/{__version__}"

_THROTTLING = frozenset((429, 502, 503, 504))  # Standard Webhooks 1.0.0, "Operational"
_SUCCESS = range(200, 300)
_GONE = 410


class Webhook:
    """The event as it is, signed as Standard Webhooks has it."""

    seal = Seal.STANDARD
    speaks = False
    rate = None
    takes_templates = True
    has_subject = False

    def objection(self, destination: Destination) -> str | None:
        return unreachable_by_http(destination)

    def silence(self, _event: Event) -> None:
        """It has words for every event."""

    def render(self, delivery: Delivery, _language: Language) -> Content:
        traced = delivery.event.document.get(trace.FIELD)
        return Content(body=render(delivery), trace=Trace.read(traced))

    def compose(self, said: Typeset, usual: Content) -> Content:
        """The body is sent as it was set; what it is, a header may say."""
        body = usual.body if said.body is None else said.body.encode()
        return replace(usual, body=body, headers={**usual.headers, **dict(said.headers)})

    def greet(self, ping: Ping, _language: Language) -> Content:
        return Content(body=ping.body)

    def address(self, letter: Letter) -> Request:
        headers = request_headers(
            message_id=letter.id, at=letter.at, body=letter.content.body, secrets=letter.secrets
        )
        return letter.posted({**headers, **_type_of(letter.content), **_traced(letter)})

    def read(self, answer: Answer, *, now: float) -> Reading:
        return read(answer, now=now)


def unreachable_by_http(destination: Destination) -> str | None:
    return None if isinstance(destination, Endpoint) else "https://host/path is what it takes"


def _traced(letter: Letter) -> dict[str, str]:
    """Each attempt is a span of its own in the producer's trace."""
    told = letter.content.trace
    return {trace.FIELD: told.parent(letter.chance())} if told else {}


def _type_of(content: Content) -> dict[str, str]:
    said = content.headers.get("content-type")
    return {"content-type": said} if said else {}


def render(delivery: Delivery) -> bytes:
    """The event as its producer wrote it, with its id and its place in the pipeline."""
    return text_of(
        {
            **delivery.event.document,
            "event_id": delivery.event.id,
            "sequence": delivery.sequence,
            "previous_event_type": delivery.numbered.previous_event_type,
            **({"late": True} if delivery.late else {}),
            **({"replayed": True} if delivery.replayed else {}),
        }
    ).encode()


def request_headers(
    *, message_id: str, at: float, body: bytes, secrets: Sequence[SigningKey]
) -> dict[str, str]:
    timestamp = int(at)
    return {
        "content-type": "application/json",
        "user-agent": USER_AGENT,
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signatures(
            message_id=message_id, timestamp=timestamp, body=body, secrets=secrets
        ),
    }


def read(answer: Answer, *, now: float) -> Reading:
    return Reading(
        outcome=read_answer(answer),
        unwanted=is_unwanted(answer),
        retry_after=retry_after(answer, now=now),
    )


def read_answer(answer: Answer) -> Outcome:
    if answer.status in _SUCCESS:
        return Outcome.DELIVERED
    if _control(answer) == "abort-message":
        return Outcome.ABORTED
    if answer.status == _GONE:
        return Outcome.GONE
    return Outcome.THROTTLED if answer.status in _THROTTLING else Outcome.REJECTED


def is_unwanted(answer: Answer) -> bool:
    """Whether the receiver asks for no more deliveries at all."""
    return answer.status == _GONE or _control(answer) == "disable"


def _control(answer: Answer) -> str:
    """A receiver's word on deliveries, in the response header ``webhook-delivery``."""
    return answer.headers.get("webhook-delivery", "").strip().lower()


def retry_after(answer: Answer, *, now: float) -> float | None:
    """Seconds the receiver asks us to wait (RFC 9110 section 10.2.3), at most a day of them.

    Beyond the RFC's whole seconds and dates, what servers write instead is understood: ``1.5``,
    ``30s``, the header twice, a time by RFC 3339 or in Unix seconds or milliseconds.
    """
    wish = answer.headers.get("retry-after", "").strip()
    if number := _SECONDS.fullmatch(wish):
        seconds = _until(float(number[1]), now)
    else:
        date = _date(wish)
        if date is None:
            return None
        seconds = date.timestamp() - now
    return min(max(0.0, seconds), LONGEST_HINT_SECONDS)


def _until(number: float, now: float) -> float:
    """A number so large is no wait but a time."""
    if number >= _FIRST_MILLISECONDS:
        return number / 1000 - now
    return number - now if number >= _FIRST_SECONDS else number


_SECONDS = re.compile(
    r"(\d{1,18}(?:\.\d{1,9})?) ?(?:s|secs?|seconds?)?(?: ?,.*)?", re.ASCII | re.IGNORECASE
)
_FIRST_SECONDS, _FIRST_MILLISECONDS = 10**9, 10**12  # in 2001; as a wait, that is 31 years


def _date(text: str) -> datetime | None:
    with suppress(ValueError):
        return instant(text)
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):  # the latter for numbers that no calendar has
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)  # a date in HTTP is always GMT
