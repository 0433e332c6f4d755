"""What is commonly done to a body between the network and who verifies it."""

from collections.abc import Callable, Iterator
from json import dumps, loads
from typing import Any

BOM = "\ufeff".encode()

_OF_BYTES: tuple[tuple[str, Callable[[bytes], bytes]], ...] = (
    ("without the line break at its end", lambda body: body.rstrip(b"\r\n")),
    ("with a line break at its end", lambda body: body + b"\n"),
    ("without the spaces around it", bytes.strip),
    ("with LF for CRLF", lambda body: body.replace(b"\r\n", b"\n")),
    ("with CRLF for LF", lambda body: body.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")),
    ("without the byte order mark", lambda body: body.removeprefix(BOM)),
)

_OF_JSON: tuple[tuple[str, Callable[[Any], str]], ...] = (
    ("as compact JSON", lambda one: dumps(one, ensure_ascii=False, separators=(",", ":"))),
    ("as compact JSON in ASCII", lambda one: dumps(one, separators=(",", ":"))),
    ("as JSON with spaces", lambda one: dumps(one, ensure_ascii=False)),
    ("as JSON with spaces in ASCII", dumps),
    ("as JSON with two spaces a level", lambda one: dumps(one, ensure_ascii=False, indent=2)),
)


def rewritings(body: bytes) -> Iterator[tuple[str, bytes]]:
    """The body as it may have been before, each with how it differs."""
    undone = [(how, rewrite(body)) for how, rewrite in _OF_BYTES] + list(_parsed(body))
    yield from ((how, before) for how, before in undone if before != body)


def _parsed(body: bytes) -> Iterator[tuple[str, bytes]]:
    """Whoever parses JSON and writes it again writes it in a way of their own."""
    try:
        document = loads(body.removeprefix(BOM))
        yield from [(how, write(document).encode()) for how, write in _OF_JSON]
    except (ValueError, RecursionError):  # no JSON, or none that can be written
        return
