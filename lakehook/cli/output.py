"""Output on stdout: lines and tables for people, JSON for programs; progress on a terminal only.

Untrusted text cannot move, hide or colour anything on a terminal: projects, error messages and
endpoints' responses are untrusted. A control character could clear the screen or set its title, and
a bidirectional override could reverse a line.
"""

import shutil
import sys
import textwrap
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, is_dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import typer

from lakehook.domain.json_document import to_ascii_json, to_indented_json
from lakehook.domain.text import on_one_line, truncate
from lakehook.domain.time import format_age, format_rfc3339, parse_rfc3339

MAX_PROJECT_WIDTH = 20

_WIDEST = 10_000  # no wrapping without a terminal
MIN_WIDTH = 24  # of the last column, on any terminal
NONE = "-"


def write(
    text: str = "",
    *,
    err: bool = False,
    nl: bool = True,
    fg: str | None = None,
    bold: bool | None = None,
) -> None:
    """Write lines to standard output or standard error; ``fg`` and ``bold`` are Click's."""
    lines = "\n".join(map(on_one_line, text.split("\n")))
    typer.secho(lines, err=err, nl=nl, fg=fg, bold=bold)


def confirm(question: str) -> None:
    """Ask at a terminal; a program that calls the command is not asked."""
    if _is_interactive() and not typer.confirm(on_one_line(question)):
        write("nothing is changed")
        raise typer.Exit(1)


def wait_for_enter(request: str) -> None:
    """Wait for a person at a terminal, whose Ctrl-C ends the command; never for a program."""
    if _is_interactive():
        typer.prompt(request, default="", prompt_suffix=" ", show_default=False)


def _is_interactive() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def clear_screen() -> None:
    """Clear the screen before a page is shown again, if there is a terminal."""
    if sys.stdout.isatty():
        typer.echo("\x1b[2J\x1b[H", nl=False)


def describe_event(document: Mapping[str, Any], *, at: float) -> str:
    """Format an event; ``at`` is in unix seconds, and shown in local time."""
    local = datetime.fromtimestamp(at, UTC).astimezone()
    source, sequence = document.get("source"), document.get("sequence")
    pipeline = f"{f'{source}/' if source else ''}{document.get('pipeline_id', '-')}"
    number = f"#{sequence}" if sequence else ""
    event_type = str(document.get("event_type", "?"))
    project = truncate(str(document.get("project_name") or ""), MAX_PROJECT_WIDTH)
    return on_one_line(
        f"{local:%H:%M:%S}  {pipeline:>6} {number:<4} {event_type:<19}"
        f" {project:<{MAX_PROJECT_WIDTH}}"
    )


class Output(StrEnum):
    TEXT = "text"
    JSON = "json"


@dataclass(frozen=True)
class Table:
    """Table of views: the columns, and the text for an empty list."""

    columns: Mapping[str, str | Callable[[Any], str]]  # heading: a field, or a function of the view
    none: str

    def row(self, view: Any, *, now: float | None = None) -> list[str]:
        """Return the cells; times are relative to ``now``, or exact without it."""
        return [
            column(view) if callable(column) else _cell(column, _fields(view)[column], now)
            for column in self.columns.values()
        ]


BY_TYPE = Table({"EVENT TYPE": "event_type", "DELIVERIES": "deliveries"}, "nothing to send")
SECRETS = Table(
    {
        "SIGNING": "signing",
        "CREATED": "created_at",
        "SIGNS UNTIL": "expires_at",
        "PUBLIC KEY": "public_key",
    },
    "no secrets",
)
LETTERS = Table(
    {
        "DELIVERY": "reference",
        "EVENT TYPE": "event_type",
        "REASON": "reason",
        "ATTEMPTS": "attempts",
        "LAST": "last_status",
        "LAST ATTEMPT": "last_attempt_at",
    },
    "no dead letters",
)
ATTEMPTS = Table(
    {
        "ATTEMPT": "at",
        "OUTCOME": "outcome",
        "STATUS": "status",
        "TOOK": lambda view: f"{view.milliseconds} ms",
        "ANSWER": "answer",
    },
    "no attempts",
)


def print_document(
    output: Output,
    view: Any,
    *,
    tables: Mapping[str, Table] | None = None,
    note: str = "",
    now: float | None = None,
) -> None:
    """Print one view, its fields of ``tables`` as tables; ``note`` is only for people."""
    names = tuple(_fields(view))
    print_result(output, view, shown=names, tables=tables, note=note, now=now)


def print_result(  # noqa: PLR0913  what is shown, and how
    output: Output,
    view: Any,
    *,
    shown: Collection[str],
    note: str,
    tables: Mapping[str, Table] | None = None,
    now: float | None = None,
) -> None:
    """Print what an action has changed: of its view, people are shown these fields alone."""
    if output is Output.JSON:
        write(to_indented_json(_document(view)))
        return
    tables, fields = tables or {}, _fields(view)
    if lines := _lines({name: fields[name] for name in shown if name not in tables}):
        write(lines)
    for name, table in tables.items():
        write()
        print_table(table, fields[name], now=now)
    if note:
        write(note)


def print_listing(
    output: Output, table: Table, views: Iterable[Any], *, now: float | None = None
) -> None:
    if output is Output.JSON:
        write(to_indented_json([_document(view) for view in views]))
    else:
        print_table(table, list(views), now=now)


def _fields(view: Any) -> Mapping[str, Any]:
    return view if isinstance(view, Mapping) else vars(view)


def _document(view: Any) -> Any:
    return asdict(view) if is_dataclass(view) and not isinstance(view, type) else view


def _lines(fields: Mapping[str, Any]) -> str:
    width = max(map(len, fields), default=0) + 2
    return "\n".join(f"{name:{width}}{to_text(value)}" for name, value in fields.items())


def _cell(column: str, value: Any, now: float | None) -> str:
    is_time = column.endswith(("_at", "since")) or column in ("at", "timestamp")
    if value is None or now is None or not is_time:
        return to_text(value)
    return relative_time(value, now=format_rfc3339(now)) or NONE


def to_text(value: Any) -> str:
    """Format a value on one line."""
    match value:
        case None | "" | []:
            return NONE
        case bool():
            return "yes" if value else "no"
        case list():
            return on_one_line(", ".join(value))
        case dict():
            return to_ascii_json(value)
    if is_dataclass(value) and not isinstance(value, type):
        return to_ascii_json(asdict(value))
    return on_one_line(str(value))


def print_table(table: Table, views: Sequence[Any], *, now: float | None = None) -> None:
    """Print one line per view; the last column wraps at the screen's edge."""
    if not views:
        write(table.none)
        return
    print_columns(list(table.columns), [(table.row(view, now=now), ()) for view in views])


def relative_time(at: str | None, *, now: str) -> str | None:
    """Format ``18 min ago``, or ``in 40 s``."""
    if at is None:
        return None
    seconds = (parse_rfc3339(at) - parse_rfc3339(now)).total_seconds()
    return f"in {format_age(seconds)}" if seconds > 0 else f"{format_age(-seconds)} ago"


def print_columns(
    headings: Sequence[str], rows: Sequence[tuple[Sequence[str], Sequence[str]]]
) -> None:
    """Print rows, each with lines of its own below. Ids and names are never wrapped."""
    from rich.cells import cell_len  # noqa: PLC0415  wide characters take two cells

    cells = [list(headings), *([on_one_line(cell) for cell in row] for row, _ in rows)]
    widths = [max(map(cell_len, column)) for column in zip(*cells, strict=True)][:-1]
    indent = sum(widths) + 2 * len(widths)
    screen = shutil.get_terminal_size().columns if sys.stdout.isatty() else _WIDEST
    for number, row in enumerate(cells):
        padded = [
            cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=False)
        ]
        first, *more_lines = _wrapped(row[-1], max(screen - indent, MIN_WIDTH))
        write("  ".join([*padded, first]).rstrip(), bold=number == 0 or None)
        for text in more_lines:
            write(" " * indent + text)
        for text in rows[number - 1][1] if number else ():
            write(f"  {text}")


def _wrapped(cell: str, width: int) -> list[str]:
    return textwrap.wrap(cell, width, break_long_words=False, break_on_hyphens=False) or [cell]


@contextmanager
def progress_counter(what: str, *, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """Yield a function that is called with the additional progress."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console  # noqa: PLC0415  few wait so long
    from rich.progress import MofNCompleteColumn, Progress  # noqa: PLC0415

    columns = (*Progress.get_default_columns(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=total)
        yield lambda number: progress.advance(task, number)
