"""The headers of a captured request: lines as in HTTP or as curl -v shows them, or JSON."""

import re
from collections.abc import Iterable, Iterator

from lakehook.domain.document import read_document
from lakehook.domain.errors import BadInput
from lakehook.domain.verification import ID, SIGNATURE, TIMESTAMP

_START_LINE = re.compile(r"[A-Z]+ \S+ HTTP/[0-9.]+|HTTP/[0-9.]+ [0-9]{3}.*")
_MARK = re.compile(r"\s*[<>]")  # of what was sent and of what came, by curl -v
_REMARK = re.compile(r"\s*[*{}](?:\s|$)")  # its own words
_ASKED_FOR = (ID, TIMESTAMP, SIGNATURE)


def captured_headers(text: str) -> dict[str, str]:
    """Those that a signature is about, their names in lower case; all others are let go."""
    headers: dict[str, str] = {}
    for name, value in _pairs(text):
        if name in headers:
            raise BadInput(f"headers: {name} stands there twice")
        headers[name] = value
    return headers


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    if text.lstrip().startswith("["):
        raise BadInput("headers: a JSON array; an object is wanted, of names and values")
    return _of_json(text) if text.lstrip().startswith("{") else _of_lines(text.splitlines())


def _of_lines(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    for number, written in enumerate(lines, start=1):
        line = _MARK.sub("", written, count=1)
        may_start = number == 1 or line != written
        if not line.strip() or (may_start and _START_LINE.fullmatch(line.strip())):
            continue
        if _REMARK.match(line):
            continue
        name, colon, value = line.partition(":")
        if not colon:
            raise BadInput(f"headers: line {number} is not 'Name: value'")
        if (name := name.strip().lower()) in _ASKED_FOR:
            yield name, value.strip()


def _of_json(text: str) -> Iterator[tuple[str, str]]:
    try:
        document = read_document(text)
    except ValueError as error:
        raise BadInput(f"headers: {error}") from None
    for name, value in document.items():
        if name.lower() in _ASKED_FOR:
            yield from ((name.lower(), one) for one in _values(name, value))


def _values(name: str, value: object) -> Iterator[str]:
    """One, or a list of them, as gateways write what may stand in a request twice."""
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, bool) or not isinstance(one, str | int):
            raise BadInput(f"headers: {name.lower()} is no text")
        yield str(one).strip()
