"""The Slack channel: an incoming webhook.

https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
"""

import re
from datetime import datetime

from lakehook.domain.attempt import Outcome, Response, ResponseVerdict
from lakehook.domain.channels.base import RenderedMessage
from lakehook.domain.channels.notification import (
    Link,
    Notification,
    WebhookNotificationChannel,
    parse_template_document,
)
from lakehook.domain.channels.webhook import interpret
from lakehook.domain.json_document import Document, to_json
from lakehook.domain.rate_limit import Rate
from lakehook.domain.text import truncate, utf16_size

# https://docs.slack.dev/reference/block-kit/blocks
MAX_HEADER_CHARACTERS, MAX_FIELD_CHARACTERS, MAX_SECTION_CHARACTERS, MAX_TEXT_CHARACTERS = (
    150,
    2000,
    3000,
    40_000,
)
MIN_WAIT_SECONDS = 1.0

_OK, _TOO_MANY = 200, 429
_GONE = 410
# A status alone proves nothing, for a proxy on the way may have said it: Slack says these words.
# https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks#handling_errors
_UNACCEPTABLE_ERRORS = frozenset(
    (
        "invalid_blocks",
        "invalid_payload",
        "missing_text_or_fallback_or_attachments",
        "no_text",
        "too_many_attachments",
    )
)
_GONE_ERRORS = frozenset(
    (
        "action_prohibited",
        "channel_is_archived",
        "channel_not_found",
        "invalid_token",
        "no_active_hooks",
        "no_service",
        "no_service_id",
        "no_team",
        "team_disabled",
    )
)
_NO = re.compile(r'"(?:ok|success)"\s*:\s*false|"error"\s*:\s*"')
# https://docs.slack.dev/messaging/formatting-message-text#escaping
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


class Slack(WebhookNotificationChannel):
    rate = Rate(1, "s")  # https://docs.slack.dev/apis/web-api/rate-limits

    def format(self, notification: Notification) -> RenderedMessage:
        headline = f"{notification.severity.emoji} {notification.headline}"
        blocks = [_header(headline), _fields(notification)]
        if notification.message:
            blocks.append(_section(notification.message))
        if notification.link and len(link := _linked(notification.link)) <= MAX_SECTION_CHARACTERS:
            blocks.append({"type": "section", "text": _markup(link)})
        if notification.remarks:
            blocks.append(_context(notification.remarks))
        document = {"text": _truncate(headline, MAX_SECTION_CHARACTERS), "blocks": blocks}
        return RenderedMessage(body=to_json(document).encode())

    def wrap_text(self, text: str) -> Document:
        own = parse_template_document(text, any_of=("blocks", "text", "attachments"))
        return own or {"text": truncate(text, MAX_TEXT_CHARACTERS, size=utf16_size)}

    def interpret(self, response: Response, *, now: float) -> ResponseVerdict:
        """Interpret status and body: https://api.slack.com/changelog/2016-05-17."""
        usual, word = interpret(response, now=now), _error_code(response)
        if response.status == _OK and _is_taken(word):
            return ResponseVerdict(outcome=Outcome.DELIVERED)
        if response.status == _GONE or word in _GONE_ERRORS:
            return ResponseVerdict(outcome=Outcome.GONE, disable_requested=True)
        if response.status == _TOO_MANY:
            wait = max(usual.retry_after or 0.0, MIN_WAIT_SECONDS)
            return ResponseVerdict(outcome=Outcome.THROTTLED, retry_after=wait)
        if word in _UNACCEPTABLE_ERRORS:
            return ResponseVerdict(outcome=Outcome.UNACCEPTABLE)
        taken = usual.outcome is Outcome.DELIVERED  # such a response does not come from Slack
        return (
            ResponseVerdict(outcome=Outcome.REJECTED, retry_after=usual.retry_after)
            if taken
            else usual
        )


def escape(text: str) -> str:
    """Remove active markup: no mention, no link."""
    return "".join(_ESCAPES.get(character, character) for character in text)


def _truncate(text: str, most: int) -> str:
    return truncate(text, most, encode=escape, size=utf16_size)


def _header(headline: str) -> Document:
    text = _truncate(headline, MAX_HEADER_CHARACTERS)
    return {"type": "header", "text": {"type": "plain_text", "text": text, "emoji": False}}


def _fields(notification: Notification) -> Document:
    *facts, (label, time) = notification.facts
    texts = [f"*{name}*\n{_truncate(value, MAX_FIELD_CHARACTERS // 2)}" for name, value in facts]
    texts.append(f"*{label}*\n{_date(notification.at, time)}")
    return {"type": "section", "fields": [_markup(text) for text in texts]}


def _date(at: datetime, fallback: str) -> str:
    """Let Slack show a time in each reader's time zone; where it cannot, the fallback is shown.

    https://docs.slack.dev/messaging/formatting-message-text#date-formatting
    """
    seconds = int(at.timestamp())
    return f"<!date^{seconds}^{{date_num}} {{time_secs}}|{fallback}>" if seconds > 0 else fallback


def _section(message: str) -> Document:
    return {"type": "section", "text": _markup(_truncate(message, MAX_SECTION_CHARACTERS))}


def _linked(link: Link) -> str:
    return f"<{escape(link.url)}|{escape(link.text)}>"


def _context(remarks: tuple[str, ...]) -> Document:
    return {"type": "context", "elements": [_markup(escape(remark)) for remark in remarks]}


def _markup(text: str) -> Document:
    """Build a text object; ``verbatim`` keeps names of channels and people as plain text."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _is_taken(word: str) -> bool:
    """Whether a 200 response means success; workflows, for example, send ``{"ok":true}``.

    A refusal is a status, a word of Slack's, or a false in the JSON. HTML is not from Slack.
    """
    is_error = word in _GONE_ERRORS | _UNACCEPTABLE_ERRORS
    return not (is_error or word.startswith("<") or _NO.search(word))


def _error_code(answer: Response) -> str:
    return answer.body[:100].decode(errors="replace").strip().lower()
