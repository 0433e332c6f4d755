"""Inputs of the command: files up to a size, captured headers, and references to secrets.

Headers are lines as in HTTP or as curl -v prints them, or JSON. A file refers to a secret by an
environment variable or another file; contents are never repeated in errors.
"""

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from getpass import getpass
from io import BufferedReader
from pathlib import Path

import typer

from lakehook.domain.errors import InvalidInput
from lakehook.domain.json_document import parse_json_object
from lakehook.domain.template import MAX_TEMPLATE_BYTES
from lakehook.domain.verification import ID, SIGNATURE, TIMESTAMP

MAX_SECRET_BYTES = 1024
MAX_HEADER_BYTES = 16 * 1024
MAX_PEM_BYTES = 64 * 1024
MAX_TEMPLATE_FILE_BYTES = MAX_TEMPLATE_BYTES + 3  # with a byte order mark
_START_LINE = re.compile(r"[A-Z]+ \S+ HTTP/[0-9.]+|HTTP/[0-9.]+ [0-9]{3}.*")
_MARK = re.compile(r"\s*[<>]")  # marks sent and received lines of curl -v
_REMARK = re.compile(r"\s*[*{}](?:\s|$)")  # curl's own messages
_ASKED_FOR = (ID, TIMESTAMP, SIGNATURE)


@dataclass(frozen=True)
class References:
    folder: Path  # relative paths start here

    def __call__(self, kind: str, name: str) -> str:
        return self._variable(name) if kind == "env" else self._file(name)

    def _variable(self, name: str) -> str:
        value = os.environ.get(name)  # noqa: TID251  the file says which
        if not value:
            raise InvalidInput(f"env: {name!a} is not set, or empty")
        return value

    def _file(self, path: str) -> str:
        """Read a text file, without the line break at its end."""
        try:
            with (self.folder / path).open("rb") as file:
                text = bounded(file, what="file", limit=MAX_HEADER_BYTES).decode("utf-8-sig")
        except OSError as error:
            raise InvalidInput(f"file: {path!a}: {error.strerror}") from None
        except ValueError:  # also for a NUL in the path
            raise InvalidInput(f"file: {path!a} is not text") from None
        return text.removesuffix("\n").removesuffix("\r")


def bounded(file: BufferedReader, *, what: str, limit: int) -> bytes:
    read = file.read(limit + 1)
    if len(read) > limit:
        raise InvalidInput(f"{what}: more than {limit} bytes")
    return read


def read_secret(file: typer.FileBinaryRead | None) -> str | None:
    """Read a secret; typed input is hidden."""
    if file is None:
        return None
    if file.isatty():
        return getpass("secret: ")
    return _text(file, what="secret", most=MAX_SECRET_BYTES)


def read_pem(file: typer.FileBinaryRead, *, what: str) -> str:
    return _text(file, what=what, most=MAX_PEM_BYTES)


def read_headers(file: typer.FileBinaryRead | None, headers: list[str] | None) -> list[str] | None:
    """Return the given headers, followed by those of the file, one per line.

    Typed input is one header, and hidden.
    """
    if file is None:
        return headers
    if file.isatty():
        return [*(headers or ()), getpass("header: ")]
    text = _text(file, what="header file", most=MAX_HEADER_BYTES)
    lines = [line.removesuffix("\r") for line in text.split("\n") if line.strip()]
    if not lines:
        raise InvalidInput("header file: no header in it")
    return [*(headers or ()), *lines]


def read_template(file: typer.FileBinaryRead | None) -> str | None:
    """Return a body's text, without the line break at the end of the file."""
    if file is None:
        return None
    text = _text(file, what="template", most=MAX_TEMPLATE_FILE_BYTES)
    if not text.strip():
        raise InvalidInput("template: nothing in it; --no-template takes one away")
    return text.removesuffix("\n").removesuffix("\r")


def require_single_stdin(*files: typer.FileBinaryRead | None) -> None:
    files_ = [id(file) for file in files if file is not None]
    if len(set(files_)) < len(files_):
        raise InvalidInput("standard input: only one of the files can be -")


def _text(file: typer.FileBinaryRead, *, what: str, most: int) -> str:
    try:
        return bounded(file, what=what, limit=most).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidInput(f"{what}: not text") from None


def captured_headers(text: str) -> dict[str, str]:
    """Return the signed headers, with names in lower case, and drop all others."""
    headers: dict[str, str] = {}
    for name, value in _pairs(text):
        if name in headers:
            raise InvalidInput(f"headers: {name} stands there twice")
        headers[name] = value
    return headers


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    if text.lstrip().startswith("["):
        raise InvalidInput("headers: a JSON array; an object is wanted, of names and values")
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
            raise InvalidInput(f"headers: line {number} is not 'Name: value'")
        if (name := name.strip().lower()) in _ASKED_FOR:
            yield name, value.strip()


def _of_json(text: str) -> Iterator[tuple[str, str]]:
    try:
        document = parse_json_object(text)
    except ValueError as error:
        raise InvalidInput(f"headers: {error}") from None
    for name, value in document.items():
        if name.lower() in _ASKED_FOR:
            yield from ((name.lower(), text) for text in _values(name, value))


def _values(name: str, value: object) -> Iterator[str]:
    """Yield a value, or a list of values, as gateways write repeated headers."""
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, bool) or not isinstance(item, str | int):
            raise InvalidInput(f"headers: {name.lower()} is no text")
        yield str(item).strip()
