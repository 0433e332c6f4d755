"""The DingTalk channel: a custom robot of 钉钉, with markdown.

https://open.dingtalk.com/document/group/custom-robot-access: the token in the URL is a credential,
and a robot asks for a keyword, an IP address or a signature besides.
"""

import base64
import hmac
from dataclasses import replace
from urllib.parse import parse_qs, quote, urlsplit

from lakehook.domain.attempt import Response, ResponseVerdict
from lakehook.domain.channels.answer_code import answer_code, interpret_code
from lakehook.domain.channels.base import OutboundMessage, RenderedMessage, SignatureScheme
from lakehook.domain.channels.markdown import neutral_line, neutralize
from lakehook.domain.channels.notification import (
    Notification,
    WebhookNotificationChannel,
    parse_template_document,
)
from lakehook.domain.channels.webhook import http_only
from lakehook.domain.destination import Destination, Request
from lakehook.domain.json_document import Document, to_json
from lakehook.domain.rate_limit import Rate
from lakehook.domain.text import truncate, utf8_size

MAX_BYTES = 18_000
"""Limit of the text: a robot accepts bodies of 20,000 bytes, in which line breaks count two."""

_BUSY = frozenset((-1, 130101, 410100))  # busy; over 20 a minute, as seen, and as documented


class DingTalk(WebhookNotificationChannel):
    signature_scheme = SignatureScheme.OPTIONAL_TEXT
    rate = Rate(20, "m")

    def validate_destination(self, destination: Destination) -> str | None:
        if objection := http_only(destination):
            return objection
        has_token = parse_qs(urlsplit(destination.url).query).get("access_token")
        return None if has_token else "that of a robot ends in ?access_token=…; copy it whole"

    def format(self, notification: Notification) -> RenderedMessage:
        title = neutral_line(f"{notification.severity.emoji} {notification.headline}")
        lines = [f"#### {title}", *(f"> {neutral_line(line)}" for line in notification.lines)]
        if notification.message:
            lines += neutralize(notification.message).splitlines()
        if notification.link:
            lines.append(f"[{notification.link.text}]({notification.link.url})")
        lines += [f"_{remark}_" for remark in notification.remarks]
        return RenderedMessage(body=to_json(_markdown(title, "\n\n".join(lines))).encode())

    def wrap_text(self, text: str) -> Document:
        """A template gives markdown, or a whole message with ``msgtype``."""
        own = parse_template_document(text, any_of=("msgtype",))
        title = neutral_line(text.strip().splitlines()[0].lstrip("# ") if text.strip() else "-")
        return own or _markdown(title, text)

    def build_request(self, message: OutboundMessage) -> Request:
        request = super().build_request(message)
        if not message.secrets:
            return request
        timestamp = str(int(message.at * 1000))
        sign = quote(signature(message.secrets[0].key.decode(), timestamp), safe="")
        signed = f"{message.endpoint.url}&timestamp={timestamp}&sign={sign}"
        return replace(request, endpoint=replace(message.endpoint, url=signed))

    def interpret(self, response: Response, *, now: float) -> ResponseVerdict:
        """HTTP says 200 also of a refused message; ``errcode`` says what became of it.

        310000, a keyword or a signature that is missing, is for its owner to mend: it is retried.
        """
        return interpret_code(
            response, answer_code(response.body, ("errcode",)), busy=_BUSY, now=now
        )


def signature(secret: str, timestamp: str) -> str:
    """Sign a time in milliseconds: the secret is the key, the time and the secret the message."""
    digest = hmac.digest(secret.encode(), f"{timestamp}\n{secret}".encode(), "sha256")
    return base64.b64encode(digest).decode()


def _markdown(title: str, text: str) -> Document:
    cut = truncate(text, MAX_BYTES, size=utf8_size)
    return {"msgtype": "markdown", "markdown": {"title": title, "text": cut}}
