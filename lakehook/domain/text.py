"""Untrusted text, cleaned for a message, a terminal or a page.

Nothing in it moves, hides or reverses what stands beside it: invisible characters are left out of a
message, and escaped where an operator reads them.
"""

import re
import unicodedata
from collections.abc import Callable
from urllib.parse import quote

ELLIPSIS = "…"

Size = Callable[[str], int]

MAX_LINE_BYTES = 300
"""Bytes of one untrusted line, so that there is always room for the message."""

_LINK = re.compile(r"\](?=[(\[])")
# These services cannot escape the characters of <@somebody> and <font …>.
_LOOKALIKES = str.maketrans({"<": "＜", ">": "＞"})

_SAFE = "!#$%&*+,-./:;=?@_~"
"""Characters of URLs that no markup interprets: no quotes, brackets or bars."""


def utf8_size(text: str) -> int:
    return len(text.encode())


def utf16_size(text: str) -> int:
    """Count as JavaScript does: 2 for characters outside the basic plane, where Python counts 1."""
    return len(text.encode("utf-16-le")) // 2


def truncate(text: str, limit: int, *, encode: Callable[[str], str] = str, size: Size = len) -> str:
    """Truncate to as many whole characters, plus ``…``, as fit once encoded.

    ``encode`` is called for each character, and its result is never cut.
    """
    written = [encode(character) for character in text]
    sizes = [size(character) for character in written]
    if sum(sizes) <= limit:
        return "".join(written)
    room, kept = limit - size(ELLIPSIS), 0
    while kept < len(sizes) and sizes[kept] <= room:
        room -= sizes[kept]
        kept += 1
    return "".join(written[:kept]) + (ELLIPSIS if room >= 0 else "")


def single_line(text: str, limit: int) -> str:
    """Keep one line, without control and invisible characters."""
    seen = "".join(character if character.isprintable() else " " for character in text)
    return truncate(" ".join(seen.split()), limit)


def clean_lines(text: str, limit: int) -> str:
    """Clean each line, and drop empty ones."""
    lines = (single_line(line, limit) for line in text.splitlines())
    return truncate("\n".join(line for line in lines if line), limit)


def counted(number: int, one: str, several: str) -> str:
    return f"{number:,} {one if number == 1 else several}"


def on_one_line(text: str) -> str:
    """A value as operators read it: what can't be seen is escaped, a line break too."""
    if text.isprintable():
        return text
    return "".join(char if _is_harmless(char) else ascii(char)[1:-1] for char in text)


def _is_harmless(char: str) -> bool:
    """Whether it is seen as what it is, or leaves a space: a tab, and those of other scripts."""
    return char.isprintable() or char == "\t" or unicodedata.category(char) == "Zs"


def neutralize(text: str) -> str:
    """Replace what acts in markdown by what looks like it."""
    return _LINK.sub("] ", text.translate(_LOOKALIKES))


def neutral_line(text: str) -> str:
    """Neutralize a text, as one line of bounded size."""
    return truncate(single_line(neutralize(text), MAX_LINE_BYTES), MAX_LINE_BYTES, size=utf8_size)


def safe_url(url: str) -> str:
    """Return the escaped URL, or "" if that is impossible: an IPv6 host needs brackets."""
    host = url.partition("://")[2].partition("/")[0]
    return "" if "[" in host else quote(url, safe=_SAFE)
