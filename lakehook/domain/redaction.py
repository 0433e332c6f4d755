"""How a URL is shown to people and in logs: without what may be a credential.

Chat and automation services put the whole credential into the path or the query: whoever reads
the URL may post. Where a host is known to, little of its path is shown; of any path, nothing
that looks drawn at random; of a query, the names.
"""

import re

HIDDEN = "…"

# How many segments of the path are shown, for a host and for what ends in a dot and the host.
_SEGMENTS_SHOWN = {
    "api.powerplatform.com": 1,
    "api.telegram.org": 0,  # /bot<token>/sendMessage
    "discord.com": 2,  # /api/webhooks/<id>/<token>
    "discordapp.com": 2,
    "hooks.slack.com": 1,  # /services/T…/B…/<token>
    "hooks.slack-gov.com": 1,
    "hooks.zapier.com": 2,  # /hooks/catch/<id>/<token>
    "logic.azure.com": 1,  # /workflows/<id>/triggers/…
    "make.com": 0,
    "maker.ifttt.com": 1,  # /trigger/<event>/with/key/<key>
    "ntfy.sh": 0,  # the topic is the credential
    "office.com": 1,  # /webhookb2/<id>@<tenant>/IncomingWebhook/<id>/<id>
    "office365.com": 1,
    "webhook.site": 0,
}
_LOOKED_AT_FROM = 10
_WORD = r"(?:[a-z]{1,15}(?:[A-Z][a-z]{1,14})*|(?:[A-Z][a-z]{1,14})+|[A-Z]{1,15}|v?[0-9]{1,4})"
_WORDS = re.compile(rf"[._~]?{_WORD}(?:[-_.~+:]{_WORD})*[0-9]{{0,4}}")
# What looks like words to the above and is none: QxZpRt, or more digits than a date and a number.
_DRAWN = re.compile(r"(?:[A-Z][a-z]){3}(?![a-z])|(?:[0-9][^0-9]*){11}")


def redacted(url: str, *, host: str) -> str:
    """A URL as it is shown."""
    base, question, query = url.partition("?")
    scheme, _, authority, *segments = base.split("/")
    shown = "/".join([scheme, "", authority, *_shown_segments(host.rstrip("."), segments)])
    return f"{shown}?{_shown_query(query)}" if question else shown


def _shown_segments(host: str, segments: list[str]) -> list[str]:
    count = _segments_shown(host)
    masked = [_masked(segment) for segment in segments]
    return masked if count is None or len(masked) <= count else [*masked[:count], HIDDEN]


def _segments_shown(host: str) -> int | None:
    labels = host.split(".")
    names = (".".join(labels[start:]) for start in range(len(labels)))
    return next((_SEGMENTS_SHOWN[name] for name in names if name in _SEGMENTS_SHOWN), None)


def _shown_query(query: str) -> str:
    pairs = (pair.partition("=") for pair in query.split("&"))
    return "&".join(f"{_masked(name)}={HIDDEN}" if sign else HIDDEN for name, sign, _ in pairs)


def _masked(text: str) -> str:
    """The text, unless it is not short and no row of words and small numbers."""
    if len(text) < _LOOKED_AT_FROM:
        return text
    return text if _WORDS.fullmatch(text) and not _DRAWN.search(text) else HIDDEN
