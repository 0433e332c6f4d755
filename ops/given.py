"""What is given to the command in a file, read as far as it may be long, and never repeated."""

from getpass import getpass

import typer

from lakehook.domain.errors import BadInput

MOST_SECRET_BYTES = 1024
MOST_LINES_BYTES = 16 * 1024


def bounded(file: typer.FileBinaryRead, *, what: str, most: int) -> bytes:
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
    try:
        return bounded(file, what="secret", most=MOST_SECRET_BYTES).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadInput("secret: not text") from None


def lines_in(file: typer.FileBinaryRead | None, *, what: str) -> list[str]:
    """Those that are not blank; whoever types them in gives one, and does not see it."""
    if file is None:
        return []
    if file.isatty():
        return [getpass(f"{what}: ")]
    try:
        text = bounded(file, what=what, most=MOST_LINES_BYTES).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadInput(f"{what}: not text") from None
    return [line for line in text.splitlines() if line.strip()]
