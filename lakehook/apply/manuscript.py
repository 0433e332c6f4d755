"""A file as somebody has written it: what it says, and where; and what is wrong with it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from lakehook.domain.errors import BadInput

Part = str | int
T = TypeVar("T")

MOST_NAMED = 200  # characters, of what a fault is in

Reveal = Callable[[str, str], str]
"""What stands in the environment (``env``, name) or in a file (``file``, path); ``BadInput``."""


class BadFile(BadInput):
    """A file that says what it may not; a line for each thing that is wrong."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


@dataclass(frozen=True, kw_only=True)
class Manuscript:
    name: str
    document: Any = field(repr=False)
    lines: Mapping[tuple[Part, ...], int] = field(repr=False)

    def line(self, *path: Part) -> int:
        """Of what is not there, the line of what it would belong to."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


@dataclass(frozen=True)
class Proofreader:
    """Reads on after a fault, so that all of them are told at once."""

    manuscript: Manuscript
    faults: list[tuple[int, str]] = field(default_factory=list)  # each with its line

    def blame(self, *path: Part, what: str, why: str) -> None:
        what = (what if what.isprintable() else ascii(what))[:MOST_NAMED]
        self.faults.append((self.manuscript.line(*path), f"{what}: {why}"))

    def tried(self, *path: Part, what: str, read: Callable[[], T]) -> T | None:
        """What was read; nothing if it was a fault, told by ``what`` it is of."""
        try:
            return read()
        except BadInput as error:
            self.blame(*path, what=what, why=str(error).partition(": ")[2] or str(error))
        return None

    def refuse_faults(self) -> None:
        if self.faults:
            name = self.manuscript.name
            raise BadFile([f"{name}:{line}: {fault}" for line, fault in sorted(self.faults)])
