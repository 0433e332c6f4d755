"""Custom headers of a subscription's requests."""

import re
from collections.abc import Collection, Mapping, Sequence

from lakehook.domain.errors import InvalidSubscription
from lakehook.domain.json_document import to_ascii_json

MAX_HEADERS, MAX_HEADER_BYTES, MAX_NAME_CHARACTERS = 20, 4096, 100

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 section 5.6.2
_VALUE = re.compile(r"[\t -~]*")  # RFC 9110 section 5.5, ASCII only
_RESERVED = frozenset(
    (
        "accept-encoding",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "cookie",
        "date",
        "expect",
        "host",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
    )
)
_RESERVED_PREFIXES = ("lakehook-", "proxy-", "webhook-", "x-amz-")
_TEMPLATE_ALLOWED = frozenset(("content-type",))  # a template that writes the body knows its type


def parse_headers(lines: Sequence[str]) -> Mapping[str, str]:
    """Parse ``Name: value`` lines; a value may be a credential, so no error shows one."""
    headers = _read(lines)
    for name, value in headers.items():
        _reject_name(name)
        if fault := find_fault(value):
            raise InvalidSubscription(f"header: the value of {name} {fault}")
    _reject_too_much(headers)
    return headers


def parse_template_headers(lines: Sequence[str]) -> Mapping[str, str]:
    """Parse ``Name: text`` lines with a template of the value; ``content-type`` is allowed."""
    headers = _read(lines)
    for name in headers:
        _reject_name(name, allowed=_TEMPLATE_ALLOWED)
    if len(headers) > MAX_HEADERS:
        raise InvalidSubscription(f"header: {len(headers)} headers; at most {MAX_HEADERS}")
    return headers


def find_fault(value: str) -> str | None:
    """Return why this is not a valid header value; None if it is."""
    if _VALUE.fullmatch(value):
        return None
    if "\r" in value or "\n" in value:
        return "has a line break, which would begin another header"
    return "has a control character" if value.isascii() else "is not ASCII"


def _read(lines: Sequence[str]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        name, value = name.strip(" \t").lower(), value.strip(" \t")
        if not colon or not _TOKEN.fullmatch(name):
            raise InvalidSubscription("header: not 'Name: value' with a name as in RFC 9110")
        if name in headers:
            raise InvalidSubscription(f"header: {name} is given twice")
        headers[name] = value
    return headers


def _reject_name(name: str, *, allowed: Collection[str] = ()) -> None:
    if len(name) > MAX_NAME_CHARACTERS:
        raise InvalidSubscription(
            f"header: {name[:20]}… has a name of {len(name)} characters; at most"
            f" {MAX_NAME_CHARACTERS}"
        )
    if name in allowed:
        return
    if name in _RESERVED or name.startswith(_RESERVED_PREFIXES):
        raise InvalidSubscription(f"header: {name} is the sender's own")


def _reject_too_much(headers: Mapping[str, str]) -> None:
    if len(headers) > MAX_HEADERS:
        raise InvalidSubscription(f"header: {len(headers)} headers; at most {MAX_HEADERS}")
    size = len(to_ascii_json(headers))  # KMS encrypts no more than this
    if size > MAX_HEADER_BYTES:
        raise InvalidSubscription(
            f"header: {', '.join(headers)[:200]} have {size} bytes as JSON;"
            f" at most {MAX_HEADER_BYTES} in all"
        )
