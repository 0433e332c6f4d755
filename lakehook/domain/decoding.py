"""Decoding of a text that may be encoded several times, in ways that are not known.

Escapes (percent, HTML, JSON, C, quoted-printable), base64, base32 and hexadecimal are tried,
whatever separates or surrounds the digits. One limit covers all decoded text, so the work is
bounded.
"""

import base64
import binascii
import re
from collections.abc import Iterator

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


def _others(alphabet: bytes) -> bytes:
    return bytes(set(range(256)) - set(alphabet))


def _whole(digits: bytes, size: int) -> bytes:
    return digits[: len(digits) - len(digits) % size]
