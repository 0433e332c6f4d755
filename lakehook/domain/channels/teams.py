"""The Teams channel: a webhook of Microsoft Teams Workflows, with an Adaptive Card.

https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using

The URL is a credential: its ``sig`` is what lets anyone trigger the flow
(https://reshmeeauckloo.com/posts/powerautomate-invoke-from-anotherapp).
"""

from urllib.parse import parse_qs, urlsplit

from lakehook.domain.attempt import Outcome, Response, ResponseVerdict
from lakehook.domain.channels.base import RenderedMessage
from lakehook.domain.channels.notification import (
    Notification,
    Severity,
    WebhookNotificationChannel,
    parse_template_document,
)
from lakehook.domain.channels.webhook import interpret
from lakehook.domain.destination import Destination
from lakehook.domain.json_document import Document, parse_json_object, to_json
from lakehook.domain.rate_limit import Rate
from lakehook.domain.text import neutral_line, neutralize, truncate, utf8_size

MAX_MESSAGE_BYTES = 16_000
"""Limit of the message: a post has at most 28 KB, with its card.

https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook
"""

_COLOURS = {
    Severity.SUCCESS: "good",
    Severity.ERROR: "attention",
    Severity.WARNING: "warning",
    Severity.STALLED: "warning",
}
# ``error.code`` of a refusal. Microsoft's own sender (codeunit 1545 of Business Central) does not
# repeat after the first two, but a flow that is switched off is switched on again.
_DELETED = "the workflow was deleted: create another, and update the URL"
_REASONS = {
    "WorkflowNotFound": _DELETED,
    "WorkflowTriggerIsNotEnabled": "the workflow is switched off: its owner can switch it on",
    "DirectApiAuthorizationRequired": "the workflow's trigger does not accept Anyone, or the URL"
    " lacks its sig: set it, and copy the URL again",
    "TriggerInputSchemaMismatch": "the workflow's trigger expects another body: it must have no"
    " schema",
}
_CARD = "application/vnd.microsoft.card.adaptive"


class Teams(WebhookNotificationChannel):
    rate = Rate(1, "s")  # the same page: over four a second are throttled

    def validate_destination(self, destination: Destination) -> str | None:
        if objection := super().validate_destination(destination):
            return objection
        if parse_qs(urlsplit(destination.url).query).get("sig"):
            return None
        return (
            "a workflow's ends in &sig=…; set Who can trigger the flow to Anyone, and copy it whole"
        )

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
        """A workflow answers 202 before it posts: its failures after that are in its history."""
        usual = interpret(response, now=now)
        code = _error_code(response)
        reason = _REASONS.get(code, "")
        if reason and b"'Deleted'" in response.body:
            reason = _DELETED
        if not reason:
            return usual
        is_gone = reason == _DELETED
        return ResponseVerdict(
            outcome=Outcome.GONE if is_gone else Outcome.REJECTED,
            disable_requested=is_gone,
            reason=f"{code}, {reason}",
        )


def _error_code(response: Response) -> str:
    try:
        error = parse_json_object(response.body.decode(errors="replace")).get("error")
    except ValueError:
        return ""
    return str(error.get("code", "")) if isinstance(error, dict) else ""


def _message(text: str) -> Document:
    return _text(truncate(text, MAX_MESSAGE_BYTES, size=utf8_size).replace("\n", "\n\n"))


def _text(text: str, **style: object) -> Document:
    return {"type": "TextBlock", "text": text, "wrap": True, **style}


def _card(body: list[Document]) -> Document:
    return {
        "type": "AdaptiveCard",
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "version": "1.4",  # the last that flows accept: atc0005/go-teams-notify#265
        "msteams": {"width": "Full"},
        "body": body,
    }


def _post(card: Document) -> Document:
    attachment = {"contentType": _CARD, "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}
