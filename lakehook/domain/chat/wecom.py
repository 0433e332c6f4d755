"""The WeCom channel: a group robot of 企业微信.

https://developer.work.weixin.qq.com/document/path/91770: the key in the URL is all it asks for.
"""

import re
from urllib.parse import parse_qs, urlsplit

from lakehook.domain.channel import Content
from lakehook.domain.chat.channel import PostedChat, document_in
from lakehook.domain.chat.telling import Telling, Tone
from lakehook.domain.chat.text import CUT, fitted, in_bytes, on_one_line
from lakehook.domain.destination import Destination
from lakehook.domain.document import Document, read_document, text_of
from lakehook.domain.outcome import Answer, Outcome, Reading
from lakehook.domain.rate import Rate
from lakehook.domain.webhook import read, unreachable_by_http

MOST_BYTES = 4096  # of markdown
MOST_OF_A_LINE = 300  # bytes of a stranger's, so that there is always room for the message
MAX_URL_BYTES = 600  # of a link; without a longer one the message has room
SHORTEST_WAIT_SECONDS = 60.0

_OK, _TAKEN = 200, 0
_BUSY = frozenset((-1, 45009))  # busy; more than 20 a minute
# Only what was seen to be permanent: in August 2021 WeCom answered 40008 to valid messages.
_GONE = frozenset((93000,))  # no such robot, or none any more
_UNACCEPTABLE = frozenset((40058,))  # a parameter, such as a text that is too long
_COLOURS = {Tone.GOOD: "info", Tone.BAD: "warning", Tone.DOUBTFUL: "warning"}
_END = "</font>"
_LINK = re.compile(r"\](?=[(\[])")
# WeCom knows no way to say these without meaning them: <@somebody>, <font …>.
_LOOKALIKES = str.maketrans({"<": "＜", ">": "＞"})


class WeCom(PostedChat):
    rate = Rate(20, "m")

    def objection(self, destination: Destination) -> str | None:
        if objection := unreachable_by_http(destination):
            return objection
        has_key = parse_qs(urlsplit(destination.url).query).get("key")
        return None if has_key else "a robot's ends in ?key=…; copy it whole"

    def write(self, telling: Telling) -> Content:
        lines = [_title(telling), *(f">{_plain(line)}" for line in telling.lines)]
        if telling.link and in_bytes(telling.link.url) <= MAX_URL_BYTES:
            lines.append(f"[{telling.link.text}]({telling.link.url})")
        lines += [_coloured(remark, "comment") for remark in telling.remarks]
        told = "\n".join(lines)
        if telling.message:
            room = MOST_BYTES - in_bytes(told) - len("\n\n")
            message = telling.message.translate(_LOOKALIKES)
            told += "\n\n" + fitted(_LINK.sub("] ", message), room, size=in_bytes)
        return Content(body=text_of(_markdown(told)).encode())

    def wrap(self, said: str) -> Document:
        return document_in(said, with_one_of=("msgtype",)) or _markdown(cut_markdown(said))

    def read(self, answer: Answer, *, now: float) -> Reading:
        """HTTP says 200 whatever came of it: ``errcode`` tells."""
        usual = read(answer, now=now)
        if answer.status != _OK:
            taken = usual.outcome is Outcome.DELIVERED  # whoever says so is not WeCom
            return Reading(outcome=Outcome.REJECTED) if taken else usual
        code = _errcode(answer.body)
        if code in _BUSY:
            wait = max(usual.retry_after or 0.0, SHORTEST_WAIT_SECONDS)
            return Reading(outcome=Outcome.THROTTLED, retry_after=wait)
        return Reading(outcome=_outcome(code), unwanted=code in _GONE)


def cut_markdown(text: str) -> str:
    """As much of it as WeCom takes, with no markup begun and not ended."""
    if in_bytes(text) <= MOST_BYTES:
        return text
    kept = fitted(text, MOST_BYTES - in_bytes(CUT + _END), size=in_bytes).removesuffix(CUT)
    tag = kept.rfind("<")
    if tag > kept.rfind(">"):
        kept = kept[:tag]
    return kept + CUT + (_END if kept.rfind("<font") > kept.rfind(_END) else "")


def _markdown(content: str) -> Document:
    return {"msgtype": "markdown", "markdown": {"content": content}}


def _title(telling: Telling) -> str:
    colour = _COLOURS.get(telling.tone)
    headline = _plain(f"{telling.tone.mark} {telling.headline}")
    return f"**{_coloured(headline, colour) if colour else headline}**"


def _coloured(text: str, colour: str) -> str:
    return f'<font color="{colour}">{text}{_END}'


def _plain(text: str) -> str:
    """A stranger's text without markup that acts: no mention, no link, no colour."""
    harmless = _LINK.sub("] ", text.translate(_LOOKALIKES))
    return fitted(on_one_line(harmless, MOST_OF_A_LINE), MOST_OF_A_LINE, size=in_bytes)


def _errcode(body: bytes) -> int | None:
    try:
        code = read_document(body.decode()).get("errcode")
    except ValueError:
        return None
    return code if isinstance(code, int) and not isinstance(code, bool) else None


def _outcome(code: int | None) -> Outcome:
    if code == _TAKEN:
        return Outcome.DELIVERED
    if code in _GONE:
        return Outcome.GONE
    return Outcome.UNACCEPTABLE if code in _UNACCEPTABLE else Outcome.REJECTED
