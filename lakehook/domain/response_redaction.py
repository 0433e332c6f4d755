"""Redaction of a subscription's credentials in an endpoint's response, which may echo them."""

import base64
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from urllib.parse import quote, unquote_plus

from lakehook.domain.destination import Destination, Endpoint
from lakehook.domain.json_document import to_ascii_json
from lakehook.domain.signing import ED25519_SEED_BYTES, SigningKey

MARK = "…".encode()
MIN_CHARACTERS = (
    6  # characters: of a part of a value, for less is no credential, and is found in words
)
# What stands in the paths of chat services, and in what they say: no credential.
_SCHEMES = frozenset(("cgi-bin", "services", "triggers", "webhook", "webhooks", "workflows"))

_ENCODINGS: tuple[Callable[[str], str], ...] = (
    str,
    quote,
    lambda text: quote(text, safe=""),
    escape,  # as in a page that tells of an error
    lambda text: escape(text).replace("&#x27;", "&#039;"),
    lambda text: to_ascii_json(text)[1:-1],  # as in JSON
    lambda text: to_ascii_json(text)[1:-1].replace("/", "\\/"),  # as PHP writes it
)


def credential_variants(
    *,
    secrets: Sequence[SigningKey],
    headers: Mapping[str, str],
    destination: Destination,
    shown: str,
) -> list[bytes]:
    """All that is secret, in every form in which a receiver may repeat it; the longest first.

    Of the destination that is whatever is not ``shown``.
    """
    texts = {*_header_variants(headers.values()), *_destination_variants(destination, shown)} - {""}
    written = {write(text).encode() for text in texts for write in _ENCODINGS}
    keys = [text.encode() for text in texts] + [
        key for secret in secrets for key in _secret_variants(secret)
    ]
    encoded = {form for key in keys for form in _encodings(key)}
    return sorted(written | encoded, key=len, reverse=True)


def redact_credentials(said: bytes, credentials: Sequence[bytes]) -> bytes:
    """The same with a mark where each was; of two of which one holds the other, the longer goes."""
    for credential in credentials:
        said = said.replace(credential, MARK)
    return said


def _secret_variants(secret: SigningKey) -> Iterable[bytes]:
    return secret.key, secret.key[
        :ED25519_SEED_BYTES
    ]  # the seed of an ed25519 key is the whole of it


def _encodings(key: bytes) -> Iterable[bytes]:
    for padded in (base64.b64encode(key), base64.urlsafe_b64encode(key)):
        yield from (padded, padded.rstrip(b"="))
    yield from (key, key.hex().encode(), key.hex().upper().encode())


def _header_variants(values: Iterable[str]) -> Iterable[str]:
    """A value, and the parts of it: a receiver tells of a token and leaves out ``Bearer``."""
    for value in values:
        yield value
        for part in re.split(r"[\s,;]+", value):
            yield from (
                one for one in (part, *_basic_auth_variants(part)) if len(one) >= MIN_CHARACTERS
            )


def _basic_auth_variants(part: str) -> Iterable[str]:
    """The password in ``Basic <base64>`` (RFC 7617)."""
    try:
        credentials = base64.b64decode(part, validate=True).decode()
    except ValueError:
        return ()
    return credentials, credentials.partition(":")[2]


def _destination_variants(destination: Destination, shown: str) -> Iterable[str]:
    """The pieces of a URL that are not shown, as they are written and as they are meant.

    One that is short is found in words: then the URL is looked for as a whole.
    """
    hidden = _pieces(destination.url) - _pieces(shown) - _SCHEMES
    for piece in hidden:
        yield from (one for one in (piece, unquote_plus(piece)) if len(one) >= MIN_CHARACTERS)
    if isinstance(destination, Endpoint) and any(len(piece) < MIN_CHARACTERS for piece in hidden):
        yield from (destination.url, destination.target)


def _pieces(url: str) -> set[str]:
    return set(re.split(r"[/?&=]", url))
