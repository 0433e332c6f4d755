"""A choice that cannot work, told as the file has it: what stands there, and what may."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class BadChoice(ValueError):
    """The key, what was given, and what is allowed."""

    def __init__(self, key: str, given: Any, allowed: str) -> None:
        written = json.dumps(given, ensure_ascii=False, default=str)
        super().__init__(f"{key} = {written}: {allowed}")


class BadTable(ValueError):
    """A bad choice, and the table that it stands in."""


@contextmanager
def standing_in(table: str) -> Iterator[None]:
    try:
        yield
    except BadChoice as error:
        raise BadTable(f"[{table}] {error}") from error
