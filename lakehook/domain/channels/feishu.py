"""The Feishu channel: a custom bot of 飞书 or Lark, with an interactive card.

https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot: the URL is a credential, and a
bot may ask for a signature besides.
"""

import base64
import hmac
import re
from dataclasses import replace
from urllib.parse import urlsplit

from lakehook.domain.attempt import Outcome, Response, ResponseVerdict
from lakehook.domain.channels.base import OutboundMessage, RenderedMessage, SignatureScheme
from lakehook.domain.channels.notification import (
    Notification,
    Severity,
    WebhookNotificationChannel,
    parse_template_document,
)
from lakehook.domain.channels.response_body import AnswerCode, answer_code, interpret_code
from lakehook.domain.destination import Destination, Request
from lakehook.domain.json_document import Document, parse_json_object, to_json
from lakehook.domain.rate_limit import Rate
from lakehook.domain.text import truncate, utf8_size

MAX_BYTES = 20 * 1024 - 200
"""20 KB of a request's body, less what a signature adds."""

ELEMENT_BYTES = 100
"""Size of the JSON around a text."""

MAX_TITLE_CHARACTERS = 200
MAX_FACT_CHARACTERS = 300

_MEMBERS = ("code", "StatusCode")  # the second is of older answers
# All but 19001 as the page above names them; 19001 was seen for a wrong URL, whatever is sent:
# sansan0/TrendRadar#278. 9499 is retried, as its page names several causes.
_CODES = {
    9499: AnswerCode(Outcome.REJECTED, "the message is malformed or over 20 KB"),
    11232: AnswerCode(Outcome.THROTTLED, "too many messages, or Feishu is busy, as on the hour"),
    19001: AnswerCode(Outcome.GONE, "no bot has this URL: it was removed, or the URL is not whole"),
    19021: AnswerCode(
        Outcome.REJECTED,
        "the signature does not match: give the bot's secret by rotate-secret --secret-file,"
        " or the clock is an hour off",
    ),
    19022: AnswerCode(
        Outcome.REJECTED,
        "the sender's IP address is not on the bot's list: it has no fixed one, so sign instead",
    ),
    19024: AnswerCode(
        Outcome.REJECTED,
        "the message lacks the bot's keyword: make it 流水线 or pipeline, by language, or sign",
    ),
}
_HOOK = re.compile(r"/open-apis/bot/v2/hook/[\w-]+")
_COLOURS = {
    Severity.SUCCESS: "green",
    Severity.ERROR: "red",
    Severity.WARNING: "orange",
    Severity.STALLED: "orange",
    Severity.CANCELLED: "grey",
}


class Feishu(WebhookNotificationChannel):
    has_keywords = True
    signature_scheme = SignatureScheme.OPTIONAL_TEXT
    rate = Rate(100, "m")

    def validate_destination(self, destination: Destination) -> str | None:
        if objection := super().validate_destination(destination):
            return objection
        if _HOOK.fullmatch(urlsplit(destination.url).path):
            return None
        return "that of a bot is https://open.feishu.cn/open-apis/bot/v2/hook/…; copy it whole"

    def format(self, notification: Notification) -> RenderedMessage:
        card = _card(notification, message="")
        if notification.message:
            room = MAX_BYTES - utf8_size(to_json(_request(card))) - ELEMENT_BYTES
            card = _card(notification, message=_truncate(notification.message, room))
        return RenderedMessage(body=to_json(_request(card)).encode())

    def wrap_text(self, text: str) -> Document:
        """A template gives plain text, or a whole message with ``msg_type``."""
        own = parse_template_document(text, any_of=("msg_type",))
        cut = _truncate(text, MAX_BYTES - ELEMENT_BYTES)
        return own or {"msg_type": "text", "content": {"text": cut}}

    def build_request(self, message: OutboundMessage) -> Request:
        request = super().build_request(message)
        if not message.secrets:
            return request
        timestamp = str(int(message.at))
        sign = signature(message.secrets[0].key.decode(), timestamp)
        document = parse_json_object(message.content.body.decode())
        signed = document | {"timestamp": timestamp, "sign": sign}
        return replace(request, body=to_json(signed).encode())

    def interpret(self, response: Response, *, now: float) -> ResponseVerdict:
        """HTTP says 200 also of a refused message; ``code`` says what became of it."""
        code = answer_code(response.body, _MEMBERS)
        return interpret_code(response, code, codes=_CODES, now=now)


def signature(secret: str, timestamp: str) -> str:
    """Sign a time: the key of the HMAC is the time and the secret, and its message is empty."""
    digest = hmac.digest(f"{timestamp}\n{secret}".encode(), b"", "sha256")
    return base64.b64encode(digest).decode()


def _request(card: Document) -> Document:
    return {"msg_type": "interactive", "card": card}


def _card(notification: Notification, *, message: str) -> Document:
    """Plain text alone, in which nothing of a stranger's can mention or link."""
    facts = (truncate(line, MAX_FACT_CHARACTERS) for line in notification.lines)
    elements: list[Document] = [
        {"tag": "div", "fields": [{"is_short": True, "text": _plain(fact)} for fact in facts]}
    ]
    if message:
        elements.append({"tag": "div", "text": _plain(message)})
    if link := notification.link:
        button = {"tag": "button", "text": _plain(link.text), "url": link.url, "type": "default"}
        elements.append({"tag": "action", "actions": [button]})
    if notification.remarks:
        remarks = [_plain(remark) for remark in notification.remarks]
        elements.append({"tag": "note", "elements": remarks})
    title = f"{notification.severity.emoji} {notification.headline}"
    header: Document = {"title": _plain(truncate(title, MAX_TITLE_CHARACTERS))}
    if colour := _COLOURS.get(notification.severity):
        header["template"] = colour
    return {"config": {"wide_screen_mode": True}, "header": header, "elements": elements}


def _plain(text: str) -> Document:
    return {"tag": "plain_text", "content": text}


def _truncate(text: str, room: int) -> str:
    """Truncate to a size in bytes as the text stands in JSON."""
    return truncate(text, room, size=lambda part: utf8_size(to_json(part)) - 2)
