"""The email channel: a mail by SES, as text and as HTML.

https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from html import escape

from lakehook.domain.channel import Content, Letter
from lakehook.domain.chat.channel import Chat
from lakehook.domain.chat.telling import Link, Telling, Tone
from lakehook.domain.chat.text import on_one_line
from lakehook.domain.destination import Destination
from lakehook.domain.mail import Mail, Mailbox
from lakehook.domain.outcome import Answer, Outcome, Reading
from lakehook.domain.template import Typeset
from lakehook.domain.webhook import read

MOST_OF_A_SUBJECT = 200  # characters
MOST_HEADERS = 15  # https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_Message.html
MOST_OF_A_VALUE = 800  # of the 870 that SES takes with the name
OWN_PREFIX = "x-"

_THROTTLED = frozenset(
    ("TooManyRequestsException", "LimitExceededException", "ThrottlingException", "Throttling")
)
_NOT_PERMITTED = frozenset(("AccessDeniedException", "AccessDenied", "NotAuthorized"))
_UNACCEPTABLE = frozenset(("MessageRejected", "BadRequestException"))
_NOT_VERIFIED = "not verified"
_COLOURS = {Tone.GOOD: "#1a7f37", Tone.BAD: "#cf222e", Tone.DOUBTFUL: "#9a6700"}
_USUAL_COLOUR = "#0969da"
_TAG = re.compile(r"\s*<(?:!|[A-Za-z][A-Za-z0-9]*[\s/>])")  # and no <3, no <https://…>


class Email(Chat):
    rate = None  # SES counts per account
    has_subject = True

    def objection(self, destination: Destination) -> str | None:
        takes = isinstance(destination, Mailbox)
        return None if takes else "mailto:me@team.example,you@team.example is what it takes"

    def write(self, telling: Telling) -> Content:
        link = f"{telling.link.text}{telling.colon}{telling.link.url}" if telling.link else ""
        lines = "\n".join(telling.lines)
        parts = (telling.headline, lines, telling.message, link, *telling.remarks)
        text = "\n\n".join(part for part in parts if part)
        subject = f"{telling.tone.mark} {telling.headline}"
        return Content(body=f"{text}\n".encode(), subject=subject, html=_html(telling))

    def compose(self, said: Typeset, usual: Content) -> Content:
        """A body that begins with a tag is HTML beside the usual text; any other is the text."""
        content = replace(usual, headers={**usual.headers, **dict(said.headers)})
        if said.subject is not None:
            content = replace(content, subject=said.subject)
        if said.body is None:
            return content
        if _TAG.match(said.body):
            return replace(content, html=said.body)
        return replace(content, body=said.body.encode(), html="")

    def address(self, letter: Letter) -> Mail:
        mailbox = letter.destination
        assert isinstance(mailbox, Mailbox), "it has objected to others"
        return Mail(
            mailbox=mailbox,
            subject=on_one_line(letter.content.subject, MOST_OF_A_SUBJECT),
            text=letter.content.body.decode(),
            html=letter.content.html,
            headers=_headers(letter),
            deadline_seconds=letter.deadline_seconds,
        )

    def read(self, answer: Answer, *, now: float) -> Reading:
        """By SES's code, with which the body of a refusal begins; ``adapters/ses.py`` writes it."""
        code, _, why = answer.body.decode(errors="replace").partition(":")
        if code in _THROTTLED | _NOT_PERMITTED:
            return Reading(outcome=Outcome.THROTTLED)
        if code in _UNACCEPTABLE and _NOT_VERIFIED not in why:  # that is the account's fault
            return Reading(outcome=Outcome.UNACCEPTABLE)
        return read(answer, now=now)


def _headers(letter: Letter) -> Mapping[str, str]:
    """Ours, and so many of the subscriber's as there is room for: none that steers a mail."""
    ours = {"X-Lakehook-Id": letter.id, "Auto-Submitted": "auto-generated"}  # RFC 3834
    theirs = {**letter.headers, **letter.content.headers}
    kept = ((name, _value(value)) for name, value in theirs.items() if _is_theirs(name))
    return {**ours, **dict(_first(kept, MOST_HEADERS - len(ours)))}


def _is_theirs(name: str) -> bool:
    return name.startswith(OWN_PREFIX) and not name.startswith(("x-ses-", "x-lakehook-"))


def _value(text: str) -> str:
    """On one line, and in ASCII, as SES takes it."""
    return on_one_line(text, MOST_OF_A_VALUE).encode("ascii", errors="replace").decode()


def _first(headers: Iterable[tuple[str, str]], most: int) -> Iterable[tuple[str, str]]:
    return [(name, value) for name, value in headers if value][:most]


def _html(telling: Telling) -> str:
    colour = _COLOURS.get(telling.tone, _USUAL_COLOUR)
    rows = (
        f'<tr><td style="color:#57606a;padding-right:1em">{escape(name)}</td>'
        f"<td>{escape(value)}</td></tr>"
        for name, value in telling.facts
    )
    return "".join(
        (
            '<!doctype html><html><body style="font-family:sans-serif">',
            f'<h2 style="color:{colour}">{escape(telling.headline)}</h2>',
            f"<table>{''.join(rows)}</table>",
            *(_paragraph(line, "white-space:pre-wrap") for line in [telling.message] if line),
            *(_linked(link) for link in [telling.link] if link),
            *(_paragraph(remark, "color:#57606a") for remark in telling.remarks),
            "</body></html>",
        )
    )


def _linked(link: Link) -> str:
    return f'<p><a href="{escape(link.url)}">{escape(link.text)}</a></p>'


def _paragraph(text: str, style: str) -> str:
    return f'<p style="{style}">{escape(text)}</p>'
