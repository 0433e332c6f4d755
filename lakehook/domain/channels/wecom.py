"""The WeCom channel: a group robot of 企业微信.

https://developer.work.weixin.qq.com/document/path/91770: the key in the URL is the only credential.
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
from lakehook.domain.channels.response_body import AnswerCode, answer_code, interpret_code
from lakehook.domain.destination import Destination
from lakehook.domain.json_document import Document, to_json
from lakehook.domain.rate_limit import Rate
from lakehook.domain.text import ELLIPSIS, neutral_line, neutralize, truncate, utf8_size

MAX_BYTES = 4096  # of a markdown message
MAX_URL_BYTES = 600  # of a link; a longer one is left out to make room for the message

# Only codes that were seen to be permanent: in August 2021 WeCom answered 40008 to valid messages.
# 93000 "invalid webhook url": wes-lin/Cloud189Checkin#175; 40058 "exceed max length 4096":
# dromara/domain-admin#82
_CODES = {
    -1: AnswerCode(Outcome.THROTTLED, "WeCom is busy"),
    45009: AnswerCode(Outcome.THROTTLED, "over 20 messages a minute"),
    93000: AnswerCode(Outcome.GONE, "no robot has this URL: it was removed, or the key is wrong"),
    40058: AnswerCode(Outcome.UNACCEPTABLE, "a parameter is not accepted, or the text is too long"),
}
_COLOURS = {
    Severity.SUCCESS: "info",
    Severity.ERROR: "warning",
    Severity.WARNING: "warning",
    Severity.STALLED: "warning",
    Severity.CANCELLED: "comment",
}
_END = "</font>"


class WeCom(WebhookNotificationChannel):
    rate = Rate(20, "m")

    def validate_destination(self, destination: Destination) -> str | None:
        if objection := super().validate_destination(destination):
            return objection
        has_key = parse_qs(urlsplit(destination.url).query).get("key")
        return None if has_key else "a robot's ends in ?key=…; copy it whole"

    def format(self, notification: Notification) -> RenderedMessage:
        lines = [_title(notification), *(f">{neutral_line(line)}" for line in notification.lines)]
        if notification.link and utf8_size(notification.link.url) <= MAX_URL_BYTES:
            lines.append(f"[{notification.link.text}]({notification.link.url})")
        lines += [_coloured(remark, "comment") for remark in notification.remarks]
        text = "\n".join(lines)
        if notification.message:
            room = MAX_BYTES - utf8_size(text) - len("\n\n")
            text += "\n\n" + truncate(neutralize(notification.message), room, size=utf8_size)
        return RenderedMessage(body=to_json(_markdown(text)).encode())

    def wrap_text(self, text: str) -> Document:
        return parse_template_document(text, any_of=("msgtype",)) or _markdown(cut_markdown(text))

    def interpret(self, response: Response, *, now: float) -> ResponseVerdict:
        """Interpret ``errcode``: the HTTP status is always 200."""
        code = answer_code(response.body, ("errcode",))
        return interpret_code(response, code, codes=_CODES, now=now)


def cut_markdown(text: str) -> str:
    """Truncate to what WeCom accepts, without an unclosed markup element."""
    if utf8_size(text) <= MAX_BYTES:
        return text
    kept = truncate(text, MAX_BYTES - utf8_size(ELLIPSIS + _END), size=utf8_size).removesuffix(
        ELLIPSIS
    )
    tag = kept.rfind("<")
    if tag > kept.rfind(">"):
        kept = kept[:tag]
    return kept + ELLIPSIS + (_END if kept.rfind("<font") > kept.rfind(_END) else "")


def _markdown(content: str) -> Document:
    return {"msgtype": "markdown", "markdown": {"content": content}}


def _title(notification: Notification) -> str:
    colour = _COLOURS.get(notification.severity)
    headline = neutral_line(f"{notification.severity.emoji} {notification.headline}")
    return f"**{_coloured(headline, colour) if colour else headline}**"


def _coloured(text: str, colour: str) -> str:
    return f'<font color="{colour}">{text}{_END}'
