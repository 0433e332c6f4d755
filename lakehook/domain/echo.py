"""What a receiver says may hold what it was told: no credential in it stays."""

import base64
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from urllib.parse import quote, unquote_plus

from lakehook.domain.destination import Destination
from lakehook.domain.document import ascii_of
from lakehook.domain.endpoint import Endpoint
from lakehook.domain.secret import HALF
from lakehook.domain.signature import SigningKey

MARK = "…".encode()
SHORTEST = 6  # characters: of a part of a value, for less is no credential, and is found in words
# What stands in the paths of chat services, and in what they say: no credential.
_ROADS = frozenset(("cgi-bin", "services", "triggers", "webhook", "webhooks", "workflows"))

_WRITINGS: tuple[Callable[[str], str], ...] = (
    str,
    quote,
    lambda text: quote(text, safe=""),
    escape,  # as in a page that tells of an error
    lambda text: escape(text).replace("&#x27;", "&#039;"),
    lambda text: ascii_of(text)[1:-1],  # as in JSON
    lambda text: ascii_of(text)[1:-1].replace("/", "\\/"),  # as PHP writes it
)


def credentials_of(
    *,
    secrets: Sequence[SigningKey],
    headers: Mapping[str, str],
    destination: Destination,
    shown: str,
) -> list[bytes]:
    """All that is secret, in every form in which a receiver may repeat it; the longest first.

    Of the destination that is whatever is not ``shown``.
    """
    texts = {*_of_headers(headers.values()), *_of_destination(destination, shown)} - {""}
    written = {write(text).encode() for text in texts for write in _WRITINGS}
    keys = [text.encode() for text in texts] + [key for one in secrets for key in _of(one)]
    encoded = {form for key in keys for form in _encodings(key)}
    return sorted(written | encoded, key=len, reverse=True)


def redacted(said: bytes, credentials: Sequence[bytes]) -> bytes:
    """The same with a mark where each was; of two of which one holds the other, the longer goes."""
    for credential in credentials:
        said = said.replace(credential, MARK)
    return said


def _of(secret: SigningKey) -> Iterable[bytes]:
    return secret.key, secret.key[:HALF]  # the seed of an ed25519 key is the whole of it


def _encodings(key: bytes) -> Iterable[bytes]:
    for padded in (base64.b64encode(key), base64.urlsafe_b64encode(key)):
        yield from (padded, padded.rstrip(b"="))
    yield from (key, key.hex().encode(), key.hex().upper().encode())


def _of_headers(values: Iterable[str]) -> Iterable[str]:
    """A value, and the parts of it: a receiver tells of a token and leaves out ``Bearer``."""
    for value in values:
        yield value
        for part in re.split(r"[\s,;]+", value):
            yield from (one for one in (part, *_of_basic(part)) if len(one) >= SHORTEST)


def _of_basic(part: str) -> Iterable[str]:
    """The password in ``Basic <base64>`` (RFC 7617)."""
    try:
        credentials = base64.b64decode(part, validate=True).decode()
    except ValueError:
        return ()
    return credentials, credentials.partition(":")[2]


def _of_destination(destination: Destination, shown: str) -> Iterable[str]:
    """The pieces of a URL that are not shown, as they are written and as they are meant.

    One that is short is found in words: then the URL is looked for as a whole.
    """
    hidden = _pieces(destination.url) - _pieces(shown) - _ROADS
    for piece in hidden:
        yield from (one for one in (piece, unquote_plus(piece)) if len(one) >= SHORTEST)
    if isinstance(destination, Endpoint) and any(len(piece) < SHORTEST for piece in hidden):
        yield from (destination.url, destination.target)


def _pieces(url: str) -> set[str]:
    return set(re.split(r"[/?&=]", url))
