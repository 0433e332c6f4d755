"""A file as somebody has written it: what it says, and where; and what is wrong with it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from lakehook.domain.errors import BadInput

Step = str | int
T = TypeVar("T")

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
    lines: Mapping[tuple[Step, ...], int] = field(repr=False)

    def place(self, *path: Step) -> str:
        """Its name and the line; of what is not there the line that it would belong to."""
        while path and path not in self.lines:
            path = path[:-1]
        return f"{self.name}:{self.lines.get(path, 1)}"


@dataclass(frozen=True)
class Proofreader:
    """Reads on after a fault, so that all of them are told at once."""

    manuscript: Manuscript
    faults: list[str] = field(default_factory=list)

    def blame(self, *path: Step, what: str, why: str) -> None:
        self.faults.append(f"{self.manuscript.place(*path)}: {what}: {why}")

    def tried(self, *path: Step, what: str, read: Callable[[], T]) -> T | None:
        """What was read; nothing if it was a fault, told by ``what`` it is of."""
        try:
            return read()
        except BadInput as error:
            self.blame(*path, what=what, why=str(error).partition(": ")[2] or str(error))
        return None

    def refuse_faults(self) -> None:
        if self.faults:
            raise BadFile(self.faults)
