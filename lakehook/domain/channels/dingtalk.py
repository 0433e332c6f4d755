"""The DingTalk channel: a custom robot of 钉钉, with markdown.

https://open.dingtalk.com/document/group/custom-robot-access: the token in the URL is a credential,
and a robot asks for a keyword, an IP address or a signature besides.
"""

import base64
import hmac
import re
from dataclasses import replace
from urllib.parse import parse_qs, quote, urlsplit

from lakehook.domain.attempt import Outcome, Response, ResponseVerdict
from lakehook.domain.channels.base import OutboundMessage, RenderedMessage, SignatureScheme
from lakehook.domain.channels.notification import (
    Notification,
    WebhookNotificationChannel,
    parse_template_document,
)
from lakehook.domain.channels.response_body import AnswerCode, answer_code, interpret_code
from lakehook.domain.destination import Destination, Request
from lakehook.domain.json_document import Document, parse_json_object, to_json
from lakehook.domain.rate_limit import Rate
from lakehook.domain.text import neutral_line, neutralize, truncate, utf8_size

MAX_BYTES = 18_000
"""Limit of the text: a robot accepts bodies of 20,000 bytes, in which line breaks count two.

https://github.com/timonwong/prometheus-webhook-dingtalk/issues/30
"""

_BAN_SECONDS = 600.0
"""The page above: a robot that exceeds 20 messages a minute is limited for ten minutes."""

_SECURITY = 310000
_TOO_FAST = AnswerCode(Outcome.THROTTLED, "over 20 messages a minute", _BAN_SECONDS)
_NO_ROBOT = AnswerCode(
    Outcome.GONE, "no robot has this token: it was removed, or the URL is not whole"
)
_UNSUITABLE = AnswerCode(Outcome.UNACCEPTABLE, "DingTalk takes a link or a text for unsuitable")
# Documented on the page above, but for those that were seen: 130101 (ccfos/nightingale#369), 300001
# (sdvdxl/falcon-message#7), 460101 (timonwong/prometheus-webhook-dingtalk#30). That 300005 means
# the same as 300001 is believed.
_CODES = {
    -1: AnswerCode(Outcome.THROTTLED, "DingTalk is busy"),
    130101: _TOO_FAST,
    410100: _TOO_FAST,
    300001: _NO_ROBOT,
    300005: _NO_ROBOT,
    400101: _NO_ROBOT,
    400106: _NO_ROBOT,
    400013: AnswerCode(Outcome.GONE, "the group was dissolved"),
    400102: AnswerCode(Outcome.REJECTED, "the robot is switched off: its group's owner can do"),
    400105: AnswerCode(Outcome.UNACCEPTABLE, "robots do not support this msgtype"),
    430101: _UNSUITABLE,
    430102: _UNSUITABLE,
    430103: _UNSUITABLE,
    430104: _UNSUITABLE,
    460101: AnswerCode(Outcome.UNACCEPTABLE, "the message is over 20,000 bytes"),
}
# One code for all security settings, which its text tells apart, in English or in Chinese:
# timonwong/prometheus-webhook-dingtalk#197, x-cold/dingtalk-robot#7, qd-today/qd#510,
# jenkinsci/dingtalk-plugin#116. The Chinese words of the last two settings are believed.
_SETTINGS = (
    (
        re.compile("keyword|关键[词字]"),
        "the message lacks the robot's keyword: make it 流水线 or pipeline, by language, or sign",
    ),
    (
        re.compile(r"\bsign\b|签名"),
        "the signature does not match: give the robot's secret by rotate-secret --secret-file",
    ),
    (re.compile("timestamp|时间戳"), "the clock is an hour off"),
    (
        re.compile(r"\bip\b|白名单", re.IGNORECASE),
        "the sender's IP address is not on the robot's list: it has no fixed one, so sign instead",
    ),
)


class DingTalk(WebhookNotificationChannel):
    has_keywords = True
    signature_scheme = SignatureScheme.OPTIONAL_TEXT
    rate = Rate(20, "m")

    def validate_destination(self, destination: Destination) -> str | None:
        if objection := super().validate_destination(destination):
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
        """HTTP says 200 also of a refused message; ``errcode`` says what became of it."""
        code = answer_code(response.body, ("errcode",))
        codes = _CODES | {_SECURITY: _security(response.body)} if code == _SECURITY else _CODES
        return interpret_code(response, code, codes=codes, now=now)


def _security(body: bytes) -> AnswerCode:
    text = str(parse_json_object(body.decode("utf-8-sig", errors="replace")).get("errmsg"))
    reasons = (reason for pattern, reason in _SETTINGS if pattern.search(text))
    return AnswerCode(Outcome.REJECTED, next(reasons, "a security setting of the robot"))


def signature(secret: str, timestamp: str) -> str:
    """Sign a time in milliseconds: the secret is the key, the time and the secret the message."""
    digest = hmac.digest(secret.encode(), f"{timestamp}\n{secret}".encode(), "sha256")
    return base64.b64encode(digest).decode()


def _markdown(title: str, text: str) -> Document:
    cut = truncate(text, MAX_BYTES, size=utf8_size)
    return {"msgtype": "markdown", "markdown": {"title": title, "text": cut}}
