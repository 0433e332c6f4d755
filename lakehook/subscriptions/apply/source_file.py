"""Source file: its values with their lines, and the errors found in it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from lakehook.domain.errors import InvalidInput

Part = str | int
T = TypeVar("T")

MAX_NAMED = 200  # characters of an error's place

SecretResolver = Callable[[str, str], str]
"""Returns a value of the environment (``env``, name) or of a file (``file``, path).

``InvalidInput``.
"""


class InvalidFile(InvalidInput):
    """A file with errors; a line for each."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


@dataclass(frozen=True, kw_only=True)
class SourceFile:
    name: str
    document: Any = field(repr=False)
    lines: Mapping[tuple[Part, ...], int] = field(repr=False)

    def line(self, *path: Part) -> int:
        """Return the line; for a missing value, that of its parent."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


@dataclass(frozen=True)
class ValidationErrors:
    """Collector of errors, so that all of them are reported at once."""

    source: SourceFile
    problems: list[tuple[int, str]] = field(default_factory=list)  # with their lines

    def add(self, *path: Part, what: str, why: str) -> None:
        what = (what if what.isprintable() else ascii(what))[:MAX_NAMED]
        self.problems.append((self.source.line(*path), f"{what}: {why}"))

    def collect(self, *path: Part, what: str, read: Callable[[], T]) -> T | None:
        """Return what ``read`` returns; record an error, described by ``what``, and return None."""
        try:
            return read()
        except InvalidInput as error:
            self.add(*path, what=what, why=str(error).partition(": ")[2] or str(error))
        return None

    def raise_if_any(self) -> None:
        if self.problems:
            name = self.source.name
            raise InvalidFile([f"{name}:{line}: {fault}" for line, fault in sorted(self.problems)])
