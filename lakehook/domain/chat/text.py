"""Strangers' text, made fit for a message: without what can't be seen, and not too long."""

from collections.abc import Callable

CUT = "…"

Size = Callable[[str], int]


def in_bytes(text: str) -> int:
    return len(text.encode())


def in_utf_16(text: str) -> int:
    """As JavaScript counts: 2 for what is outside the basic plane, where Python counts 1."""
    return len(text.encode("utf-16-le")) // 2


def fitted(text: str, most: int, *, write: Callable[[str], str] = str, size: Size = len) -> str:
    """The text as it is written, or so many whole characters of it and ``…`` as fit.

    ``write`` is asked about each character by itself: what it makes of one stays whole.
    """
    written = [write(one) for one in text]
    sizes = [size(one) for one in written]
    if sum(sizes) <= most:
        return "".join(written)
    room, kept = most - size(CUT), 0
    while kept < len(sizes) and sizes[kept] <= room:
        room -= sizes[kept]
        kept += 1
    return "".join(written[:kept]) + (CUT if room >= 0 else "")


def on_one_line(text: str, most: int) -> str:
    """Without breaks, control characters, or anything else that is not seen."""
    seen = "".join(one if one.isprintable() else " " for one in text)
    return fitted(" ".join(seen.split()), most)


def on_lines(text: str, most: int) -> str:
    """The same of each line; no line is empty."""
    lines = (on_one_line(line, most) for line in text.splitlines())
    return fitted("\n".join(line for line in lines if line), most)
