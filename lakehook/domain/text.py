"""Untrusted text, cleaned for a message: without invisible characters, and not too long."""

from collections.abc import Callable

ELLIPSIS = "…"

Size = Callable[[str], int]


def utf8_size(text: str) -> int:
    return len(text.encode())


def utf16_size(text: str) -> int:
    """As JavaScript counts: 2 for what is outside the basic plane, where Python counts 1."""
    return len(text.encode("utf-16-le")) // 2


def truncate(text: str, limit: int, *, encode: Callable[[str], str] = str, size: Size = len) -> str:
    """The text as it is written, or so many whole characters of it and ``…`` as fit.

    ``write`` is asked about each character by itself: what it makes of one stays whole.
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
    """Without breaks, control characters, or anything else that is not seen."""
    seen = "".join(character if character.isprintable() else " " for character in text)
    return truncate(" ".join(seen.split()), limit)


def clean_lines(text: str, limit: int) -> str:
    """The same of each line; no line is empty."""
    lines = (single_line(line, limit) for line in text.splitlines())
    return truncate("\n".join(line for line in lines if line), limit)
