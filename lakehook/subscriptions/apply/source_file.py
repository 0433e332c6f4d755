"""Source file: its values with their lines, and the errors found in it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from lakehook.domain.errors import InvalidInput

Part = str | int
T = TypeVar("T")

MAX_NAMED = 200  # characters, of what a fault is in

SecretResolver = Callable[[str, str], str]
"""What stands in the environment (``env``, name) or in a file (``file``, path).

``InvalidInput``.
"""


class InvalidFile(InvalidInput):
    """A file that says what it may not; a line for each thing that is wrong."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


@dataclass(frozen=True, kw_only=True)
class SourceFile:
    name: str
    document: Any = field(repr=False)
    lines: Mapping[tuple[Part, ...], int] = field(repr=False)

    def line(self, *path: Part) -> int:
        """Of what is not there, the line of what it would belong to."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


@dataclass(frozen=True)
class ValidationErrors:
    """Reads on after a fault, so that all of them are told at once."""

    source: SourceFile
    problems: list[tuple[int, str]] = field(default_factory=list)  # each with its line

    def add(self, *path: Part, what: str, why: str) -> None:
        what = (what if what.isprintable() else ascii(what))[:MAX_NAMED]
        self.problems.append((self.source.line(*path), f"{what}: {why}"))

    def collect(self, *path: Part, what: str, read: Callable[[], T]) -> T | None:
        """What was read; nothing if it was a fault, told by ``what`` it is of."""
        try:
            return read()
        except InvalidInput as error:
            self.add(*path, what=what, why=str(error).partition(": ")[2] or str(error))
        return None

    def raise_if_any(self) -> None:
        if self.problems:
            name = self.source.name
            raise InvalidFile([f"{name}:{line}: {fault}" for line, fault in sorted(self.problems)])
