"""A stranger's URL, escaped so that it cannot break out of a message's markup."""

from urllib.parse import quote

_SAFE = "!#$%&*+,-./:;=?@_~"
"""What a URL may have and no markup takes for its own: no quotes, brackets or bars."""


def safe_url(url: str) -> str:
    """Empty where it can't be written so: a host that is an IPv6 address stands in brackets."""
    host = url.partition("://")[2].partition("/")[0]
    return "" if "[" in host else quote(url, safe=_SAFE)
