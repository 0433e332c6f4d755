"""Error texts of DevLake: credentials removed, and made readable.

DevLake's plug-ins wrap errors of git, databases and HTTP clients. These repeat their arguments:
URLs with passwords, headers, connection strings.
"""

import re
from collections.abc import Iterator
from functools import cache

from lakehook.domain.destination import HIDDEN

MAX_SCANNED = 8 * 1024
"""Characters that are examined: many more than are kept, so no credential is cut in two."""

_NAME = (
    r"[\w.-]{0,60}(?:password|passwd|passphrase|secret|token|api[_-]?key|access[_-]?key(?:[_-]?id)?"
    r"|private[_-]?key|credentials?|signature|cookie)"
)
_BRIEF_NAME = r"(?:[\w.-]{0,60}[_-])?(?:key|pwd|pass|pw|sig|sign|auth|pat|jwt|sid)"
_SPOKEN_NAME = r"[\w.-]{0,60}(?:password|passwd|passphrase|pwd)"
_SCHEME = r"(?:(?:Basic|Bearer|Digest|Negotiate|token)\s{1,3})"
_VALUE = r"[^\s&\"'`;,<>]"
_WORD = rf"(?:{_VALUE}|[&;,<>](?!\s|$|[\w.-]{{1,60}}=))+"
"""Up to the next space, quote or field: a password may contain field separators."""

_QUOTED = r"(?P<quote>[\"'`])(?:(?!(?P=quote))[^\\\n]|\\.)+"

_NAMED = (
    # Authorization: Bearer …, Authorization:[Basic …], "authorization": "token …"
    rf"(?:proxy-)?authorization[\"']?\s{{0,3}}[:=]\s{{0,3}}\[?[\"']?{_SCHEME}?",
    # password=…, "token": "…", access_token:[…]
    rf"{_NAME}[\"']?\s{{0,3}}=\s{{0,3}}",
    rf"{_NAME}(?:[\"']\s{{0,3}}:\s{{0,3}}(?=[\"'\d])|:\[?)",
    # \"token\":\"…\", JSON within JSON
    rf"{_NAME}\\{{1,3}}\"\s{{0,3}}:\s{{0,3}}\\{{1,3}}\"",
    # password: …; pw: …; token: …, unless a word follows, as in "token: not found"
    rf"(?:{_SPOKEN_NAME}|(?:[\w.-]{{0,60}}[_.-])?(?:pass|pw))\s{{0,3}}:\s{{1,3}}",
    # password is '…', password '…'; without quotes if it is no word, as in "password is wrong"
    rf"{_SPOKEN_NAME}\s{{1,3}}(?:(?:is|was)\s{{1,3}})?(?=[\"'`])",
    rf"{_SPOKEN_NAME}\s{{1,3}}(?:(?:is|was)\s{{1,3}})?(?=\S{{0,100}}\d)(?=\S{{0,100}}[A-Za-z])(?=\S{{5}})",
    # curl -u user:password
    r"(?:-u|-U|--user|--proxy-user)[\s=]{0,3}(?=[^\s:]{1,200}:)",
    rf"{_NAME}\s{{0,3}}:\s{{1,3}}(?![A-Za-z-]{{1,20}}(?![\w./+=-]))",
    # ?key=…&sig=…
    rf"{_BRIEF_NAME}=",
    rf"{_NAME}\s{{1,3}}(?:is|was)\s{{1,3}}(?=[\"'`])",
)
_BARE = (
    # https://user:password@host, whatever the scheme
    r"(?<=://)[^\s/?#\"'`<>]{1,1000}(?=@)",
    # user:password@tcp(host:3306)/lake, as Go's drivers write it
    r"(?<![^\s\"'`=(\[])[^\s:@\"'`=(\[]{1,200}:\S{1,200}(?=@(?:tcp|unix)\()",
    rf"(?<=\bBearer )(?=\S{{0,200}}[0-9=_]){_VALUE}{{8,}}",
    rf"(?<=\bBasic )(?=\S{{0,200}}[0-9=_]){_VALUE}{{8,}}",
    # GitHub, GitLab, Slack, OpenAI, AWS, Google, Atlassian, a JWT, a key
    r"\bgh[pousr]_[A-Za-z0-9]{20,}",
    r"\bgithub_pat_\w{20,}",
    r"\bgl[a-z]{2,6}-[\w-]{20,}",
    r"\bxox[a-z]-[\w-]{10,}",
    r"\bsk-[\w-]{16,}",
    r"\b(?:AKIA|ASIA)[A-Z0-9]{16}",
    r"\bAIza[\w-]{35}",
    r"\bATATT3[\w=.-]{20,}",
    r"\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]{0,1000})?",
    r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[^-]{0,8000}(?:-----END)?",
)
_WRAPPED = re.compile(r"[ |\t]*Wraps: \(\d+\)(?: (.*))?")
_NOT_SAID = frozenset(("combined messages:", "attached stack trace"))
"""A line without text of its own: each of several messages starts on a new line."""
_MARGIN = " |\t{}"
_TYPES = re.compile(r"[ |\t]*Error types: \(1\)")


_COOKIE = r"\bcookie[\"']?\s{0,3}[:=]\s{0,3}\[?[\"']?"
"""Up to the end of the line: the value has several parts."""

_HIDING = rf"\1\g<quote>{HIDDEN}"


@cache
def _rules() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Compile the rules at the first error: it takes longer than a cold start should."""
    return (
        (re.compile("|".join(_BARE)), HIDDEN),
        (re.compile(rf"({_COOKIE})[^\n]+", re.IGNORECASE), rf"\1{HIDDEN}"),
        *(
            (re.compile(rf"(?<![\w.-])({start})(?:{_QUOTED}|{_WORD})", re.IGNORECASE), _HIDING)
            for start in _NAMED
        ),
    )


def without_credentials(text: str) -> str:
    """Return the text, truncated, with ``…`` for everything that looks like a credential."""
    text = text[:MAX_SCANNED]
    for pattern, replacement in _rules():
        text = pattern.sub(replacement, text)
    return text


def is_nested(text: str) -> bool:
    """Whether the text is a nested error in DevLake's form, one line each."""
    return any(_TYPES.match(line) or _WRAPPED.match(line) for line in text.splitlines())


def summary_of(text: str) -> str:
    """Summarize a nested error by what failed and why; any other text by its first line.

    ``Error running task 131: subtask sleep ended unexpectedly: it was to fail``.
    """
    if not is_nested(text):
        return first_line(text)
    lines = [line for line in text.splitlines() if line.strip()]
    causes = dict.fromkeys(_causes(lines))  # a cause that is wrapped twice appears once
    return ": ".join(causes)


def first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def _causes(lines: list[str]) -> Iterator[str]:
    """Yield the first line and the wrapped causes, whose text may start on the next line."""
    is_due = True
    for line in lines:
        wrapped = _WRAPPED.match(line)
        text = (wrapped[1] or "") if wrapped else line
        is_due = is_due or wrapped is not None
        if is_due and (cause := _plain(text)):
            yield cause
            is_due = False


def _plain(text: str) -> str:
    stripped = text.strip(_MARGIN)
    return "" if stripped in _NOT_SAID or _TYPES.match(stripped) else stripped.rstrip(".:").rstrip()
