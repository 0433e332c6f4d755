"""Redaction of a subscription's credentials in an endpoint's response, which may echo them.

A receiver may spell them in any way, so there is no list of spellings. A part of a credential is
found by its letters and digits, with any case or separators, in everything that the text can be
decoded to: escapes (percent, HTML, JSON, C, quoted-printable), base64, base32 and hexadecimal,
several times. Text that cannot be decoded and looks random is hidden, too. One limit covers all
decoded text, so the work is bounded.
"""

import base64
import binascii
import re
import string
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from urllib.parse import unquote_plus

from lakehook.domain.destination import HIDDEN, Destination, Endpoint
from lakehook.domain.signing import ED25519_SEED_BYTES, SigningKey

MAX_DEPTH = 5
"""A text that is encoded more often counts as undecodable."""
MAX_DECODED_BYTES = 32 * 1024
"""Limit of all that one text decodes to; a plain kilobyte uses a quarter of it."""

_ESCAPE = re.compile(
    rb"(?i:%u00|%|=|0x|\\{1,8}x|\\{1,8}u00|\\{1,8}u\{0*|&#x0*)([0-9a-fA-F]{2})[;}]?"
    rb"|&#0*([0-9]{2,3});?"
    rb"|\\{1,8}([0-3][0-7]{2})"
    rb"|(&[A-Za-z]{2,8};|\\{1,8}[bfnrt](?![A-Za-z])|=\r?\n)"
)
_BASES = (16, 10, 8)
"""Bases of the numbers in the groups above; the last group stands for a separator."""
_RUN = re.compile(rb"[\t\n\r -~]{8,}")
_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_BASE32 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_HEX = b"0123456789abcdefABCDEF"

PART_CHARACTERS = 8
"""Consecutive letters and digits of a credential that are hidden; words contain shorter runs."""

MIN_CHARACTERS = 4
"""Minimum of a credential that is shorter than a part, and is searched for as a whole."""

MIN_PIECE_CHARACTERS = 6
"""Minimum for a piece of a URL or of a header's value, many of which are words."""

MAX_EXCERPT_CHARACTERS = 1024
WITHHELD = "(not shown: it may repeat a credential)"
NOT_TEXT = "(not shown: it is not text)"

_MAX_READ_BYTES = 4 * MAX_EXCERPT_CHARACTERS
_MARK = HIDDEN.encode()
# Path segments of chat services, whose responses contain them, too.
_SCHEMES = frozenset(("cgi-bin", "services", "triggers", "webhook", "webhooks", "workflows"))
_ESSENTIAL = (string.ascii_letters + string.digits).encode()
_SEPARATORS = bytes(code for code in range(256) if code not in _ESSENTIAL)

_TOKEN = re.compile(r"[^\s\"'<>()\[\]{},…]{11,}")
_CHUNK = re.compile(r"\S{10,}")
_ROW = re.compile(
    r"(?<!\w)(?:(?:0[xbo])?[0-9a-fA-F]{1,8}[\s,;:|]+){9,}[0-9a-fA-F]+"
    r"|(?:(?<!\S)(?=\S{1,2}\s|\S*[^A-Za-z\s])\S{1,4}\s+){9,}\S+",
    re.ASCII,
)
"""Ten numbers, or ten groups of few characters."""

_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_PIECE = re.compile(rf"{_UUID}|[A-Za-z0-9]{{2,}}")
_WORDS = re.compile(
    r"(?!.*(?:[A-Z][a-z]){3}(?![a-z]))"  # does not match QxZpRt
    r"(?:[A-Z]{1,15}|[a-z]{0,24}(?:[A-Z]{1,5}[a-z]{1,24})*+)[0-9]{0,5}"
    rf"|[0-9]{{1,20}}|{_UUID}"
)
_MAX_RANDOM_CHARACTERS = 10
"""Maximum run without a space that is not a word: a short code or two, less than a credential."""

_NOISE = re.compile(r"[!#$%&*+;=?@^`|~]|(?<![A-Za-z0-9])[A-Za-z](?![A-Za-z0-9])")
_MAX_NOISE = 8
_MAX_ESCAPED_LETTERS = 3
"""Nobody escapes a letter or a digit, but to hide it."""


class Undecodable(Exception):
    """The text is encoded too often, or in too many ways at once."""


def decodings(text: bytes) -> Iterator[bytes]:
    """Yield the text and everything that it decodes to, read from either end.

    Raises ``Undecodable`` if a limit is reached.
    """
    left, level = MAX_DECODED_BYTES, [text, text[::-1]]
    yield text
    for _ in range(MAX_DEPTH):
        decoded = [view for encoded in level for view in _decode(encoded)]
        left -= sum(map(len, decoded))
        if left < 0:
            raise Undecodable
        yield from decoded
        level = [runs for view in decoded if (runs := b" ".join(_RUN.findall(view)))]
        if not level:
            return
    raise Undecodable


def escaped_letters(text: bytes) -> int:
    """Count the letters and digits that are escaped in a text."""
    return sum(_character(escape).isalnum() for escape in _ESCAPE.finditer(text))


def _decode(text: bytes) -> Iterator[bytes]:
    unescaped = _ESCAPE.sub(_character, text)
    if unescaped != text:
        yield unescaped
    digits = _only(_BASE64, text.translate(_URL_SAFE))
    for start in range(4):
        yield binascii.a2b_base64(_whole(digits[start:], 4))
    digits = _only(_BASE32, text.upper())
    for start in range(8):
        yield base64.b32decode(_whole(digits[start:], 8))
    digits = _only(_HEX, text)
    for start in range(2):
        yield bytes.fromhex(_whole(digits[start:], 2).decode())


def _character(escape: re.Match[bytes]) -> bytes:
    for digits, base in zip(escape.groups()[:3], _BASES, strict=True):
        if digits:
            return bytes([int(digits, base) % 256])
    return b" "


def _only(alphabet: bytes, text: bytes) -> bytes:
    """Remove separators between digits, which may be on several lines or in pairs."""
    return text.translate(None, _others(alphabet))


@cache
def _others(alphabet: bytes) -> bytes:
    return bytes(set(range(256)) - set(alphabet))


def _whole(digits: bytes, size: int) -> bytes:
    return digits[: len(digits) - len(digits) % size]


@dataclass(frozen=True, repr=False)
class Credentials:
    """Secrets of a request: its credentials, and the hidden parts of its destination."""

    values: tuple[bytes, ...]

    @classmethod
    def of(
        cls,
        *,
        secrets: Sequence[SigningKey],
        headers: Mapping[str, str],
        destination: Destination,
        shown: str,
    ) -> "Credentials":
        keys = (form for secret in secrets for form in _forms(secret.key))
        texts = (*_header_texts(headers.values()), *_url_texts(destination, shown))
        essences = (_essence(value) for value in (*keys, *(text.encode() for text in texts)))
        return cls(
            tuple(dict.fromkeys(essence for essence in essences if len(essence) >= MIN_CHARACTERS))
        )

    def redact(self, response: bytes) -> str:
        """Return the start of a response on one line, with ``…`` instead of credentials."""
        start = response[:_MAX_READ_BYTES]
        if not self.values:
            return _single_line(start)
        if _is_binary(start):
            return NOT_TEXT
        text = _single_line(self._without_parts(start))
        text = _TOKEN.sub(lambda token: HIDDEN if self._is_in(token[0]) else token[0], text)
        text = _ROW.sub(HIDDEN, _CHUNK.sub(_without_random, text))
        return WITHHELD if self._is_in(text) else text

    def _is_in(self, text: str) -> bool:
        plain = unicodedata.normalize("NFKC", text).encode()  # converts full width, superscript …
        if len(plain) < self._sizes[-1]:  # no decoding makes it longer
            return False
        try:
            return any(self._spans(_essence(view)) for view in decodings(plain))
        except Undecodable:
            return True

    def _without_parts(self, text: bytes) -> bytes:
        """Remove each part that is found, from its first to its last letter or digit."""
        places = [at for at, code in enumerate(text) if code in _ESSENTIAL]
        kept, end = [], 0
        for first, last in self._spans(_essence(text)):
            kept += [text[end : places[first]], _MARK]
            end = places[last] + 1
            end += len(text[end:]) - len(text[end:].lstrip(b"="))  # padding of base64
        return b"".join((*kept, text[end:]))

    def _spans(self, essence: bytes) -> list[tuple[int, int]]:
        """Return the first and last character of each stretch that belongs to credentials."""
        spans: list[tuple[int, int]] = []
        for start in range(len(essence) - self._sizes[-1] + 1):
            size = next((n for n in self._sizes if essence[start : start + n] in self._parts), 0)
            if size and spans and start <= spans[-1][1] + 1:
                spans[-1] = (spans[-1][0], max(spans[-1][1], start + size - 1))
            elif size:
                spans.append((start, start + size - 1))
        return spans

    @cached_property
    def _parts(self) -> frozenset[bytes]:
        return frozenset(
            [
                written[start : start + size]
                for value in self.values
                for size in (min(len(value), PART_CHARACTERS),)
                for written in (value, value[::-1])
                for start in range(len(value) - size + 1)
            ]
        )

    @cached_property
    def _sizes(self) -> Sequence[int]:
        return sorted({min(len(value), PART_CHARACTERS) for value in self.values}, reverse=True)


def _essence(text: bytes) -> bytes:
    """Reduce to letters and digits in lower case, which every spelling has in common."""
    return text.translate(None, _SEPARATORS).lower()


def _forms(key: bytes) -> Iterator[bytes]:
    """Yield a key's bytes and texts; the seed of an ed25519 key is the whole of it."""
    for form in (key, key[:ED25519_SEED_BYTES]):
        yield from (form, base64.b64encode(form), base64.b16encode(form))


def _header_texts(values: Iterable[str]) -> Iterator[str]:
    """Yield a header's value and its parts: a receiver may echo a token without ``Bearer``."""
    for value in values:
        yield value
        for part in re.split(r"[\s,;]+", value):
            if len(part) >= MIN_PIECE_CHARACTERS:
                yield from (part, *_basic_auth_texts(part))


def _basic_auth_texts(part: str) -> Iterable[str]:
    """Yield the password in ``Basic <base64>`` (RFC 7617)."""
    try:
        credentials = base64.b64decode(part, validate=True).decode()
    except ValueError:
        return ()
    return credentials, credentials.partition(":")[2]


def _url_texts(destination: Destination, shown: str) -> Iterator[str]:
    """Yield the hidden parts of a URL, each and together, encoded and decoded."""
    if not isinstance(destination, Endpoint):
        return
    visible = {*_pieces(shown), *_SCHEMES}
    hidden = [piece for piece in _pieces(destination.url) if piece not in visible]
    for text in ("".join(hidden), *hidden):
        yield from (
            piece for piece in (text, unquote_plus(text)) if len(piece) >= MIN_PIECE_CHARACTERS
        )


def _pieces(url: str) -> list[str]:
    return re.split(r"[/?&=]", url)


def _is_binary(text: bytes) -> bool:
    """Whether more than a few bytes are not text, as in UTF-16 or compressed data."""
    characters = text.decode(errors="replace")
    odd = sum(
        character == "\ufffd" or (character < " " and character not in "\t\r\n")
        for character in characters
    )
    return odd > len(characters) / 4


def _single_line(text: bytes) -> str:
    characters = text.decode(errors="replace")[:MAX_EXCERPT_CHARACTERS]
    return "".join(character if character.isprintable() else " " for character in characters)


def _without_random(chunk: re.Match[str]) -> str:
    """Replace parts of a chunk that are neither words nor numbers: they may be encoded."""
    text = unicodedata.normalize("NFKC", chunk[0])
    pieces = _PIECE.findall(text)
    random = sum(len(piece) for piece in pieces if not _WORDS.fullmatch(piece))
    noise = len(_NOISE.findall(text))
    mixed = noise >= _MAX_NOISE and random + noise > sum(map(len, pieces)) - random
    if mixed or escaped_letters(text.encode()) > _MAX_ESCAPED_LETTERS:
        return HIDDEN
    if random < _MAX_RANDOM_CHARACTERS:
        return chunk[0]
    return _PIECE.sub(lambda piece: piece[0] if _WORDS.fullmatch(piece[0]) else HIDDEN, text)
