"""Untrusted URLs, escaped so that they cannot break out of a message's markup."""

from urllib.parse import quote

_SAFE = "!#$%&*+,-./:;=?@_~"
"""Characters of URLs that no markup interprets: no quotes, brackets or bars."""


def safe_url(url: str) -> str:
    """Return the escaped URL, or "" if that is impossible: an IPv6 host needs brackets."""
    host = url.partition("://")[2].partition("/")[0]
    return "" if "[" in host else quote(url, safe=_SAFE)
