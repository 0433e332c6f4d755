"""The email channel: a mail by SES, as text and as HTML.

https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from html import escape

from lakehook.domain.attempt import Outcome, Response, ResponseVerdict
from lakehook.domain.channels.base import OutboundMessage, RenderedMessage
from lakehook.domain.channels.notification import Link, Notification, NotificationChannel, Severity
from lakehook.domain.channels.webhook import interpret
from lakehook.domain.destination import Destination, Mail, MailDestination
from lakehook.domain.template import RenderedTemplate
from lakehook.domain.text import single_line

MAX_SUBJECT_CHARACTERS = 200
MAX_HEADERS = 15  # https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_Message.html
MAX_VALUE_CHARACTERS = 800  # SES accepts 870 characters, including the name
OWN_PREFIX = "x-"

_THROTTLED = frozenset(
    ("TooManyRequestsException", "LimitExceededException", "ThrottlingException", "Throttling")
)
_NOT_PERMITTED = frozenset(("AccessDeniedException", "AccessDenied", "NotAuthorized"))
_UNACCEPTABLE = frozenset(("MessageRejected", "BadRequestException"))
_NOT_VERIFIED = "not verified"
_COLOURS = {
    Severity.SUCCESS: "#1a7f37",
    Severity.ERROR: "#cf222e",
    Severity.WARNING: "#9a6700",
    Severity.STALLED: "#9a6700",
    Severity.CANCELLED: "#57606a",
}
_DEFAULT_COLOUR = "#0969da"
_TAG = re.compile(r"\s*<(?:!|[A-Za-z][A-Za-z0-9]*[\s/>])")  # does not match <3 or <https://…>


class Email(NotificationChannel):
    has_subject = True  # it has no rate: SES limits the account, not the recipient

    def validate_destination(self, destination: Destination) -> str | None:
        takes = isinstance(destination, MailDestination)
        return None if takes else "mailto:me@team.example,you@team.example is what it takes"

    def format(self, notification: Notification) -> RenderedMessage:
        link = (
            f"{notification.link.text}{notification.colon}{notification.link.url}"
            if notification.link
            else ""
        )
        lines = "\n".join(notification.lines)
        parts = (notification.headline, lines, notification.message, link, *notification.remarks)
        text = "\n\n".join(part for part in parts if part)
        subject = f"{notification.severity.emoji} {notification.headline}"
        return RenderedMessage(body=f"{text}\n".encode(), subject=subject, html=_html(notification))

    def apply_template(
        self, rendered: RenderedTemplate, default: RenderedMessage
    ) -> RenderedMessage:
        """Send a body that begins with a tag as HTML, with the default text; any other as text."""
        content = replace(default, headers={**default.headers, **dict(rendered.headers)})
        if rendered.subject is not None:
            content = replace(content, subject=rendered.subject)
        if rendered.body is None:
            return content
        if _TAG.match(rendered.body):
            return replace(content, html=rendered.body)
        return replace(content, body=rendered.body.encode(), html="")

    def build_request(self, message: OutboundMessage) -> Mail:
        mailbox = message.destination
        assert isinstance(mailbox, MailDestination), "email rejects other destinations"
        return Mail(
            destination=mailbox,
            subject=single_line(message.content.subject, MAX_SUBJECT_CHARACTERS),
            text=message.content.body.decode(),
            html=message.content.html,
            headers=_headers(message),
            deadline_seconds=message.deadline_seconds,
        )

    def interpret(self, response: Response, *, now: float) -> ResponseVerdict:
        """Interpret SES's error code, with which the body of a refusal begins.

        ``adapters/transport.py`` writes that body.
        """
        code, _, why = response.body.decode(errors="replace").partition(":")
        if code in _THROTTLED | _NOT_PERMITTED:
            return ResponseVerdict(outcome=Outcome.THROTTLED)
        if code in _UNACCEPTABLE and _NOT_VERIFIED not in why:  # an account's fault
            return ResponseVerdict(outcome=Outcome.UNACCEPTABLE)
        return interpret(response, now=now)


def _headers(message: OutboundMessage) -> Mapping[str, str]:
    """Return our headers and as many of the subscription's as fit; none can redirect mail."""
    own_headers = {"X-Lakehook-Id": message.id, "Auto-Submitted": "auto-generated"}  # RFC 3834
    theirs = {**message.headers, **message.content.headers}
    kept = ((name, _value(value)) for name, value in theirs.items() if _is_reserved(name))
    return {**own_headers, **dict(_first(kept, MAX_HEADERS - len(own_headers)))}


def _is_reserved(name: str) -> bool:
    return name.startswith(OWN_PREFIX) and not name.startswith(("x-ses-", "x-lakehook-"))


def _value(text: str) -> str:
    """Return the text on one line and in ASCII, as SES requires."""
    return single_line(text, MAX_VALUE_CHARACTERS).encode("ascii", errors="replace").decode()


def _first(headers: Iterable[tuple[str, str]], most: int) -> Iterable[tuple[str, str]]:
    return [(name, value) for name, value in headers if value][:most]


def _html(notification: Notification) -> str:
    colour = _COLOURS.get(notification.severity, _DEFAULT_COLOUR)
    rows = (
        f'<tr><td style="color:#57606a;padding-right:1em">{escape(name)}</td>'
        f"<td>{escape(value)}</td></tr>"
        for name, value in notification.facts
    )
    return "".join(
        (
            '<!doctype html><html><body style="font-family:sans-serif">',
            f'<h2 style="color:{colour}">{escape(notification.headline)}</h2>',
            f"<table>{''.join(rows)}</table>",
            *(_paragraph(line, "white-space:pre-wrap") for line in [notification.message] if line),
            *(_linked(link) for link in [notification.link] if link),
            *(_paragraph(remark, "color:#57606a") for remark in notification.remarks),
            "</body></html>",
        )
    )


def _linked(link: Link) -> str:
    return f'<p><a href="{escape(link.url)}">{escape(link.text)}</a></p>'


def _paragraph(text: str, style: str) -> str:
    return f'<p style="{style}">{escape(text)}</p>'
