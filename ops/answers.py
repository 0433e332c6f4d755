"""What a command answers on stdout: a few lines and tables for people, or JSON for programs."""

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from lakehook.domain.document import ascii_of
from ops.terminal import on_one_line, write

_WIDEST = 10_000  # where nobody looks, nothing is wrapped
NONE = "-"


class Output(StrEnum):
    TEXT = "text"
    JSON = "json"


@dataclass(frozen=True)
class Listing:
    """How things of one kind are listed: a row for people, a document for programs."""

    headings: Sequence[str]
    row: Callable[[Any], Sequence[str]]
    facts: Callable[[Any], Mapping[str, Any]]
    none: str  # what is said when there are none

    def of(self, things: Iterable[Any]) -> "Section":
        return Section(self, list(things))


@dataclass(frozen=True)
class Section:
    listing: Listing
    things: Sequence[Any]

    @property
    def documents(self) -> list[Mapping[str, Any]]:
        return [self.listing.facts(one) for one in self.things]


def answer(
    output: Output,
    document: Mapping[str, Any],
    *,
    sections: Mapping[str, Section] | None = None,
    note: str = "",
) -> None:
    """Answer with one thing, and lists that belong to it; ``note`` is for people alone."""
    sections = sections or {}
    if output is Output.JSON:
        lists = {name: section.documents for name, section in sections.items()}
        write(json.dumps({**document, **lists}, indent=2))
        return
    write(_lines(document))
    for section in sections.values():
        write()
        print_section(section)
    if note:
        write(note)


def answer_all(output: Output, section: Section) -> None:
    if output is Output.JSON:
        write(json.dumps(section.documents, indent=2))
    else:
        print_section(section)


def _lines(document: Mapping[str, Any]) -> str:
    width = max(map(len, document)) + 2
    return "\n".join(f"{name:{width}}{_written(value)}" for name, value in document.items())


def _written(value: Any) -> str:
    match value:
        case None | "" | []:
            return NONE
        case bool():
            return "yes" if value else "no"
        case list():
            return on_one_line(", ".join(value))
        case dict():
            return ascii_of(value)
    return on_one_line(str(value))


def print_section(section: Section) -> None:
    from rich.console import Console  # noqa: PLC0415  only a table needs it, and it takes 0.1 s
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    if not section.things:
        write(section.listing.none)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in section.listing.headings:
        table.add_column(heading, overflow="fold")
    for one in section.things:
        # As text: a name is no markup.
        table.add_row(*(Text(on_one_line(cell)) for cell in section.listing.row(one)))
    Console(width=None if sys.stdout.isatty() else _WIDEST).print(table)
