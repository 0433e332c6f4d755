"""What is given to the command in a file, read as far as it may be long, and never repeated."""

from getpass import getpass
from io import BufferedReader

import typer

from lakehook.domain.errors import BadInput
from lakehook.domain.template import MAX_TEMPLATE_BYTES

MOST_SECRET_BYTES = 1024
MOST_HEADER_BYTES = 16 * 1024
MOST_TEMPLATE_BYTES = MAX_TEMPLATE_BYTES + 3  # and a byte order mark


def bounded(file: BufferedReader, *, what: str, most: int) -> bytes:
    read = file.read(most + 1)
    if len(read) > most:
        raise BadInput(f"{what}: more than {most} bytes")
    return read


def secret_in(file: typer.FileBinaryRead | None) -> str | None:
    """The text of a secret; whoever types it in does not see it."""
    if file is None:
        return None
    if file.isatty():
        return getpass("secret: ")
    return _text(file, what="secret", most=MOST_SECRET_BYTES)


def headers_in(file: typer.FileBinaryRead | None, given: list[str] | None) -> list[str] | None:
    """The headers that are given, and behind them those of the file, a line each.

    Whoever types them in gives one, and does not see it.
    """
    if file is None:
        return given
    if file.isatty():
        return [*(given or ()), getpass("header: ")]
    text = _text(file, what="header file", most=MOST_HEADER_BYTES)
    lines = [line.removesuffix("\r") for line in text.split("\n") if line.strip()]
    if not lines:
        raise BadInput("header file: no header in it")
    return [*(given or ()), *lines]


def template_in(file: typer.FileBinaryRead | None) -> str | None:
    """The text of a body; the line break at the end of a file is none of it."""
    if file is None:
        return None
    text = _text(file, what="template", most=MOST_TEMPLATE_BYTES)
    if not text.strip():
        raise BadInput("template: nothing in it; --no-template takes one away")
    return text.removesuffix("\n").removesuffix("\r")


def refuse_one_input_for_two(*files: typer.FileBinaryRead | None) -> None:
    given = [id(file) for file in files if file is not None]
    if len(set(given)) < len(given):
        raise BadInput("standard input: only one of the files can be -")


def _text(file: typer.FileBinaryRead, *, what: str, most: int) -> str:
    try:
        return bounded(file, what=what, most=most).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadInput(f"{what}: not text") from None
