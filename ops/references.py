"""What a file refers to, for it may not hold it: variables of the environment, and files."""

import os
from dataclasses import dataclass
from pathlib import Path

from lakehook.domain.errors import BadInput
from ops.given import MOST_HEADER_BYTES, bounded


@dataclass(frozen=True)
class References:
    folder: Path  # from which files are seen

    def __call__(self, kind: str, name: str) -> str:
        return self._variable(name) if kind == "env" else self._file(name)

    def _variable(self, name: str) -> str:
        value = os.environ.get(name)  # noqa: TID251  the file says which
        if not value:
            raise BadInput(f"env: {name!a} is not set, or empty")
        return value

    def _file(self, path: str) -> str:
        """Its text, less the line break at its end."""
        try:
            with (self.folder / path).open("rb") as file:
                text = bounded(file, what="file", most=MOST_HEADER_BYTES).decode("utf-8-sig")
        except OSError as error:
            raise BadInput(f"file: {path!a}: {error.strerror}") from None
        except ValueError:  # a NUL in the path, too
            raise BadInput(f"file: {path!a} is not text") from None
        return text.removesuffix("\n").removesuffix("\r")
