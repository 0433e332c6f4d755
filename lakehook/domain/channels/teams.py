"""The Teams channel: a webhook of Microsoft Teams Workflows, with an Adaptive Card.

https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using
"""

from lakehook.domain.attempt import Outcome, Response, ResponseVerdict
from lakehook.domain.channels.base import RenderedMessage
from lakehook.domain.channels.markdown import neutral_line, neutralize
from lakehook.domain.channels.notification import (
    Notification,
    Severity,
    WebhookNotificationChannel,
    parse_template_document,
)
from lakehook.domain.channels.webhook import interpret
from lakehook.domain.json_document import Document, to_json
from lakehook.domain.rate_limit import Rate
from lakehook.domain.text import truncate, utf8_size

MAX_MESSAGE_BYTES = 16_000
"""Limit of the message: a post to a channel has at most 28 KB, with its card."""

_OK = 200
_COLOURS = {
    Severity.SUCCESS: "good",
    Severity.ERROR: "attention",
    Severity.WARNING: "warning",
    Severity.STALLED: "warning",
}
_FAILED = b"webhook message delivery failed"
_CARD = "application/vnd.microsoft.card.adaptive"


class Teams(WebhookNotificationChannel):
    rate = Rate(1, "s")

    def format(self, notification: Notification) -> RenderedMessage:
        title = neutral_line(f"{notification.severity.emoji} {notification.headline}")
        headline = _text(title, size="medium", weight="bolder")
        if colour := _COLOURS.get(notification.severity):
            headline["color"] = colour
        facts = [
            {"title": name, "value": neutral_line(value)} for name, value in notification.facts
        ]
        body = [headline, {"type": "FactSet", "facts": facts}]
        if notification.message:
            body.append(_message(neutralize(notification.message)))
        body += [_text(remark, isSubtle=True) for remark in notification.remarks]
        card = _card(body)
        if link := notification.link:
            card["actions"] = [{"type": "Action.OpenUrl", "title": link.text, "url": link.url}]
        return RenderedMessage(body=to_json(_post(card)).encode())

    def wrap_text(self, text: str) -> Document:
        """A template gives the card's text, a card, or a whole message with ``attachments``."""
        own = parse_template_document(text, any_of=("attachments", "body"))
        if own is None:
            return _post(_card([_message(text)]))
        return own if "attachments" in own else _post(own)

    def interpret(self, response: Response, *, now: float) -> ResponseVerdict:
        """A workflow answers 202 before it posts, so that its own failures are in its history.

        Older connectors answer 200 and say in words that they have failed.
        """
        usual = interpret(response, now=now)
        if response.status == _OK and _FAILED in response.body.lower():
            return ResponseVerdict(outcome=Outcome.THROTTLED, retry_after=usual.retry_after)
        return usual


def _message(text: str) -> Document:
    return _text(truncate(text, MAX_MESSAGE_BYTES, size=utf8_size).replace("\n", "\n\n"))


def _text(text: str, **style: object) -> Document:
    return {"type": "TextBlock", "text": text, "wrap": True, **style}


def _card(body: list[Document]) -> Document:
    return {
        "type": "AdaptiveCard",
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "version": "1.4",
        "msteams": {"width": "Full"},
        "body": body,
    }


def _post(card: Document) -> Document:
    attachment = {"contentType": _CARD, "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}
