"""Address of DevLake's REST API, and its credentials."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import SplitResult, urlsplit

from lakehook.domain.errors import InvalidInput, InvalidSubscription
from lakehook.domain.headers import parse_headers

_MAX_CHARACTERS = 2048
_PRINTED = re.compile(r"[!-~]+")


@dataclass(frozen=True)
class ApiAddress:
    """Address of DevLake's API, chosen by the operator, so any network is allowed.

    The headers are credentials.
    """

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def parse(cls, url: str, header_lines: Sequence[str] = ()) -> Self:
        """Parse a URL and headers.

        ``InvalidInput`` repeats neither, since a URL may hold a password.
        """
        try:
            return cls(_validated(url), parse_headers(header_lines))
        except InvalidSubscription as error:
            raise InvalidInput(str(error)) from None


def _validated(url: str) -> str:
    parts = _split(url)
    if parts is None or parts.scheme not in {"http", "https"} or not parts.hostname:
        raise InvalidInput("devlake: not a URL such as http://devlake:8080 or https://host/api")
    if "@" in parts.netloc:
        raise InvalidInput("devlake: credentials go into --header-file, not into the URL")
    if "?" in url or "#" in url:
        raise InvalidInput("devlake: the URL ends before the first ? or #")
    return url.rstrip("/")


def _split(url: str) -> SplitResult | None:
    if len(url) > _MAX_CHARACTERS or not _PRINTED.fullmatch(url):
        return None
    try:
        parts = urlsplit(url)
        has_port = parts.port != 0
    except ValueError:
        return None
    return parts if has_port else None
