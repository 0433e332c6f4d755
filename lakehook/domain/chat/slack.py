"""The Slack channel: an incoming webhook.

https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
"""

import re

from lakehook.domain.channel import Content
from lakehook.domain.chat.channel import PostedChat, document_in
from lakehook.domain.chat.telling import Link, Telling
from lakehook.domain.chat.text import fitted, in_utf_16
from lakehook.domain.document import Document, text_of
from lakehook.domain.outcome import Answer, Outcome, Reading
from lakehook.domain.rate import Rate
from lakehook.domain.webhook import read

# https://docs.slack.dev/reference/block-kit/blocks
MOST_OF_A_HEADER, MOST_OF_A_FIELD, MOST_OF_A_SECTION, MOST_OF_A_TEXT = 150, 2000, 3000, 40_000
SHORTEST_WAIT_SECONDS = 1.0

_OK, _TOO_MANY = 200, 429
_UNACCEPTABLE = frozenset((400, 413))
_GONE = frozenset((403, 404, 410))
_GONE_WORDS = frozenset(
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


class Slack(PostedChat):
    rate = Rate(1, "s")  # https://docs.slack.dev/apis/web-api/rate-limits

    def write(self, telling: Telling) -> Content:
        headline = f"{telling.tone.mark} {telling.headline}"
        blocks = [_header(headline), _fields(telling)]
        if telling.message:
            blocks.append(_section(telling.message))
        if telling.link and len(link := _linked(telling.link)) <= MOST_OF_A_SECTION:
            blocks.append({"type": "section", "text": _markup(link)})
        if telling.remarks:
            blocks.append(_context(telling.remarks))
        document = {"text": _fitted(headline, MOST_OF_A_SECTION), "blocks": blocks}
        return Content(body=text_of(document).encode())

    def wrap(self, said: str) -> Document:
        own = document_in(said, with_one_of=("blocks", "text", "attachments"))
        return own or {"text": fitted(said, MOST_OF_A_TEXT, size=in_utf_16)}

    def read(self, answer: Answer, *, now: float) -> Reading:
        """By the status and by the word in the body: https://api.slack.com/changelog/2016-05-17."""
        usual, word = read(answer, now=now), _word(answer)
        if answer.status == _OK and _is_taken(word):
            return Reading(outcome=Outcome.DELIVERED)
        if answer.status in _GONE or word in _GONE_WORDS:
            return Reading(outcome=Outcome.GONE, unwanted=True)
        if answer.status == _TOO_MANY:
            wait = max(usual.retry_after or 0.0, SHORTEST_WAIT_SECONDS)
            return Reading(outcome=Outcome.THROTTLED, retry_after=wait)
        if answer.status in _UNACCEPTABLE:
            return Reading(outcome=Outcome.UNACCEPTABLE)
        taken = usual.outcome is Outcome.DELIVERED  # whoever says so is not Slack
        return Reading(outcome=Outcome.REJECTED, retry_after=usual.retry_after) if taken else usual


def escaped(text: str) -> str:
    """Without markup that acts: no mention, no link."""
    return "".join(_ESCAPES.get(one, one) for one in text)


def _fitted(text: str, most: int) -> str:
    return fitted(text, most, write=escaped, size=in_utf_16)


def _header(headline: str) -> Document:
    text = _fitted(headline, MOST_OF_A_HEADER)
    return {"type": "header", "text": {"type": "plain_text", "text": text, "emoji": False}}


def _fields(telling: Telling) -> Document:
    texts = (f"*{name}*\n{_fitted(value, MOST_OF_A_FIELD // 2)}" for name, value in telling.facts)
    return {"type": "section", "fields": [_markup(text) for text in texts]}


def _section(message: str) -> Document:
    return {"type": "section", "text": _markup(_fitted(message, MOST_OF_A_SECTION))}


def _linked(link: Link) -> str:
    return f"<{escaped(link.url)}|{escaped(link.text)}>"


def _context(remarks: tuple[str, ...]) -> Document:
    return {"type": "context", "elements": [_markup(escaped(remark)) for remark in remarks]}


def _markup(text: str) -> Document:
    """``verbatim``: a name of a channel or a person in it stays text."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _is_taken(word: str) -> bool:
    """Whether a 200 means it: workflows say ``{"ok":true}``, imitators ``{"success":true}``.

    What says no does so by its status, by a word of Slack's, or by a false in its JSON; a page of
    HTML is somebody else's.
    """
    says_no = word in _GONE_WORDS or word.startswith("<") or _NO.search(word) is not None
    return not says_no


def _word(answer: Answer) -> str:
    return answer.body[:100].decode(errors="replace").strip().lower()
