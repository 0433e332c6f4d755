"""The text of an error of DevLake's: without credentials, and as people would say it.

Its plug-ins wrap what git, databases and HTTP clients say, and those repeat what they were called
with: URLs with passwords, headers, connection strings.
"""

import re
from collections.abc import Iterator

from lakehook.domain.redaction import HIDDEN

MAX_SCANNED = 8 * 1024
"""Characters that are looked at, far more than are kept: none of a credential is cut in two."""

_NAME = (
    r"[\w.-]{0,60}(?:password|passwd|passphrase|secret|token|api[_-]?key|access[_-]?key(?:[_-]?id)?"
    r"|private[_-]?key|credentials?|signature|cookie)"
)
_BRIEF_NAME = r"(?:[\w.-]{0,60}[_-])?(?:key|pwd|sig|sign|auth|pat|jwt|sid)"
_VALUE = r"[^\s&\"'`,;\]\[(){}<>|]"


def _after(start: str) -> re.Pattern[str]:
    """A value behind such a start, which begins no later than its first word does."""
    return re.compile(rf"(?<![\w.-])({start}){_VALUE}+", re.IGNORECASE)


_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    # https://user:password@host, whatever the scheme
    (re.compile(r"(?<=://)[^\s/?#\"'`<>]{1,1000}@"), f"{HIDDEN}@"),
    # user:password@tcp(host:3306)/lake, as Go's drivers write it
    (
        re.compile(r"(?<![^\s\"'`=(\[])[^\s:@\"'`=(\[]{1,200}:\S{1,200}@(?=(?:tcp|unix)\()"),
        f"{HIDDEN}@",
    ),
    # Authorization: Bearer …, Authorization:[Basic …], "authorization": "token …"
    (
        re.compile(
            r"((?:proxy-)?authorization[\"']?\s{0,3}[:=]\s{0,3}\[?[\"']?)"
            rf"(?:[A-Za-z]{{1,20}}\s{{1,3}})?{_VALUE}+",
            re.IGNORECASE,
        ),
        rf"\1{HIDDEN}",
    ),
    (
        re.compile(rf"\b(Bearer|Basic)\s{{1,3}}(?=\S{{0,200}}[0-9=_]){_VALUE}{{8,}}"),
        rf"\1 {HIDDEN}",
    ),
    # password=…, "token": "…", access_token:[…]; password: …
    (_after(rf"{_NAME}[\"']?\s{{0,3}}=\s{{0,3}}[\"']?"), rf"\1{HIDDEN}"),
    (_after(rf"{_NAME}(?:[\"']\s{{0,3}}:\s{{0,3}}[\"']|:\[?)"), rf"\1{HIDDEN}"),
    (_after(r"[\w.-]{0,60}(?:password|passwd|passphrase|pwd)\s{0,3}:\s{1,3}"), rf"\1{HIDDEN}"),
    # token: …, unless a word follows, as in "token: not found"
    (_after(rf"{_NAME}\s{{0,3}}:\s{{1,3}}(?![A-Za-z-]{{1,20}}(?![\w./+=-]))"), rf"\1{HIDDEN}"),
    # ?key=…&sig=…
    (_after(rf"{_BRIEF_NAME}="), rf"\1{HIDDEN}"),
    # what looks like nothing else: GitHub, GitLab, Slack, AWS, Google, Atlassian, a JWT, a key
    (
        re.compile(
            r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|gl[a-z]{2,6}-[\w-]{20,}"
            r"|xox[a-z]-[\w-]{10,}|(?:AKIA|ASIA)[A-Z0-9]{16}|AIza[\w-]{35}|ATATT3[\w=.-]{20,}"
            r"|eyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]{0,1000})?)"
        ),
        HIDDEN,
    ),
    (re.compile(r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[^-]{0,8000}(?:-----END)?"), HIDDEN),
)

_WRAPPED = re.compile(r"[ |\t]*Wraps: \(\d+\) (.*)")
_TYPES = re.compile(r"[ |\t]*Error types: \(1\)")


def without_credentials(text: str) -> str:
    """The text with ``…`` for what looks like a credential, and no more than is looked at."""
    text = text[:MAX_SCANNED]
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text


def is_nested(text: str) -> bool:
    """Whether it is an error within another, as DevLake writes them, a line each."""
    return any(_TYPES.match(line) or _WRAPPED.match(line) for line in text.splitlines())


def summary_of(text: str) -> str:
    """What went wrong and why, as DevLake nests it; of any other text its first line.

    ``Error running task 131: subtask sleep ended unexpectedly: it was to fail``.
    """
    if not is_nested(text):
        return first_line(text)
    lines = [line for line in text.splitlines() if line.strip()]
    causes = dict.fromkeys(_causes(lines))  # one that is wrapped twice is said once
    return ": ".join(cause for cause in causes if cause)


def first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def _causes(lines: list[str]) -> Iterator[str]:
    yield _plain(lines[0])
    for line in lines[1:]:
        if wrapped := _WRAPPED.match(line):
            yield _plain(wrapped[1])


def _plain(text: str) -> str:
    return text.strip().rstrip(".:").rstrip()
