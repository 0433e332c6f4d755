"""The webhook channel: the event as JSON, and the meaning of a response's status."""

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from lakehook import __version__
from lakehook.domain import trace_context
from lakehook.domain.attempt import Outcome, Response, ResponseVerdict
from lakehook.domain.channels.base import Channel, OutboundMessage, RenderedMessage, SignatureScheme
from lakehook.domain.delivery import Delivery
from lakehook.domain.destination import Request
from lakehook.domain.json_document import to_json
from lakehook.domain.queue_message import Ping
from lakehook.domain.retry import MAX_RETRY_AFTER_SECONDS
from lakehook.domain.signing import SigningKey, signatures
from lakehook.domain.subscription import Locale
from lakehook.domain.template import RenderedTemplate
from lakehook.domain.time import parse_rfc3339
from lakehook.domain.trace_context import Trace

USER_AGENT = f"Lakehook/{__version__}"

_THROTTLING = frozenset((429, 502, 503, 504))  # Standard Webhooks 1.0.0, "Operational"
_SUCCESS = range(200, 300)
_GONE = 410
_DELAY = re.compile(
    r"(\d{1,999}(?:\.\d{1,9})?) ?(?:(ms|milliseconds?|m|mins?|minutes?|h|hours?)|s|secs?|seconds?)?"
    r"(?: ?,.*)?",
    re.ASCII | re.IGNORECASE,
)
_DURATION = re.compile(r"PT(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9}(?:\.\d{1,9})?)S)?", re.ASCII)
_UNIT_SECONDS = {"ms": 0.001, "m": 60.0, "h": 3600.0}
_FIRST_SECONDS, _FIRST_MILLISECONDS = 10**9, 10**12  # in 2001; as a delay, 31 years


class Webhook(Channel):
    """The event as JSON, signed as in Standard Webhooks."""

    signature_scheme = SignatureScheme.STANDARD_WEBHOOKS
    supports_success_if = True

    def render(self, delivery: Delivery, _locale: Locale) -> RenderedMessage:
        traced = delivery.event.document.get(trace_context.FIELD)
        return RenderedMessage(body=render(delivery), trace=Trace.read(traced))

    def apply_template(
        self, rendered: RenderedTemplate, default: RenderedMessage
    ) -> RenderedMessage:
        """Send the template's body unchanged; a template header may set its content type."""
        body = default.body if rendered.body is None else rendered.body.encode()
        return replace(default, body=body, headers={**default.headers, **dict(rendered.headers)})

    def render_ping(self, ping: Ping, _locale: Locale) -> RenderedMessage:
        return RenderedMessage(body=ping.body)

    def build_request(self, message: OutboundMessage) -> Request:
        headers = request_headers(
            message_id=message.id, at=message.at, body=message.content.body, secrets=message.secrets
        )
        return message.to_request(
            {**headers, **_content_type(message.content), **_trace_headers(message)}
        )

    def interpret(self, response: Response, *, now: float) -> ResponseVerdict:
        return interpret(response, now=now)


def _trace_headers(message: OutboundMessage) -> dict[str, str]:
    """Return trace headers: each attempt is a span of its own in the producer's trace."""
    trace = message.content.trace
    return {trace_context.FIELD: trace.parent(message.random_bytes())} if trace else {}


def _content_type(content: RenderedMessage) -> dict[str, str]:
    content_type = content.headers.get("content-type")
    return {"content-type": content_type} if content_type else {}


def render(delivery: Delivery) -> bytes:
    """Render the event as its producer wrote it, with its id and its sequence."""
    return to_json(
        {
            **delivery.event.document,
            "event_id": delivery.event.id,
            "sequence": delivery.sequence,
            "previous_event_type": delivery.sequenced.previous_event_type,
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


def interpret(response: Response, *, now: float) -> ResponseVerdict:
    return ResponseVerdict(
        outcome=classify_response(response),
        disable_requested=requests_disable(response),
        retry_after=retry_after(response, now=now),
    )


def classify_response(response: Response) -> Outcome:
    if response.status in _SUCCESS:
        return Outcome.DELIVERED
    if requests_abort(response):
        return Outcome.ABORTED
    if response.status == _GONE:
        return Outcome.GONE
    return Outcome.THROTTLED if response.status in _THROTTLING else Outcome.REJECTED


def requests_abort(response: Response) -> bool:
    """Whether the receiver gives up this one message."""
    return _control(response) == "abort-message"


def requests_disable(response: Response) -> bool:
    """Whether the receiver asks for no further deliveries."""
    return response.status == _GONE or _control(response) == "disable"


def _control(response: Response) -> str:
    """Return the receiver's instruction from the response header ``webhook-delivery``."""
    return response.headers.get("webhook-delivery", "").strip().lower()


def retry_after(response: Response, *, now: float) -> float | None:
    """Return the seconds the receiver asks us to wait (RFC 9110 section 10.2.3), at most a day.

    Besides the RFC's whole seconds and dates, forms that servers use are accepted: ``1.5``,
    ``30s``, ``10 min``, ``500 ms``, ``PT30S``, quotes, a repeated header, RFC 3339, and Unix time
    in seconds or milliseconds.
    """
    header = response.headers.get("retry-after", "").strip().strip("\"'")
    seconds = _delay(header, now)
    if seconds is None:
        date = _date(header)
        seconds = None if date is None else date.timestamp() - now
    return None if seconds is None else min(max(0.0, seconds), MAX_RETRY_AFTER_SECONDS)


def unread_retry_after(response: Response, *, now: float) -> str:
    """Return a ``retry-after`` that was not understood, for people to see; else nothing."""
    header = response.headers.get("retry-after", "").strip()
    return header if header and retry_after(response, now=now) is None else ""


def _delay(header: str, now: float) -> float | None:
    if (duration := _DURATION.fullmatch(header)) and any(duration.groups()):
        hours, minutes, seconds = (float(part or 0) for part in duration.groups())
        return 3600 * hours + 60 * minutes + seconds
    number = _DELAY.fullmatch(header)
    if number is None:
        return None
    if unit := number[2]:
        return float(number[1]) * _UNIT_SECONDS[_unit_key(unit.lower())]
    return _until(float(number[1]), now)


def _unit_key(unit: str) -> str:
    """Milliseconds and minutes both begin with ``mi``."""
    if unit.startswith(("ms", "milli")):
        return "ms"
    return unit[0]


def _until(number: float, now: float) -> float:
    """Return the seconds to wait; a very large number is a time and not a delay."""
    if number >= _FIRST_MILLISECONDS:
        return number / 1000 - now
    return number - now if number >= _FIRST_SECONDS else number


def _date(text: str) -> datetime | None:
    with suppress(ValueError):
        return parse_rfc3339(text)
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):  # OverflowError for numbers beyond the calendar
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)  # a date in HTTP is always GMT
