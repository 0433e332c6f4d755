"""The file in which an operator says which stages there are, and how each differs."""

import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from infra.choice import BadChoice, BadTable
from infra.stage import PRODUCTION, Stage, stage_named

STAGES = "stages.toml"

ALIKE = 0.85
"""``[prodution]`` is; ``[preprod]`` is not."""


class BadStages(ValueError):
    """One line: the file, and what is wrong in it."""


def stage_of(name: str, file: Path) -> Stage:
    """Whichever stage is asked for, all of the file is judged."""
    stages = _read(file)
    if name not in stages:
        there = ", ".join(stages) or "none"
        raise BadStages(f'{file}: no stage "{name}", there is {there}; a table makes one: [{name}]')
    return stages[name]


def _read(file: Path) -> Mapping[str, Stage]:
    try:
        tables = tomllib.loads(file.read_text(encoding="utf-8"))
        return {name: _stage(name, table) for name, table in tables.items()}
    except OSError as error:
        raise BadStages(f"{file}: {error.strerror}") from error
    except ValueError as error:
        raise BadStages(f"{file}: {error}") from error


def _stage(name: str, table: Any) -> Stage:
    if not isinstance(table, Mapping):
        raise BadChoice(name, table, f"of which stage? Put it below its name, as [{PRODUCTION}]")
    if _is_a_slip(name):
        raise BadTable(f"[{name}]: write [{PRODUCTION}], or choose a name that is less like it")
    return stage_named(name, table)


def _is_a_slip(name: str) -> bool:
    """What is chosen there would be missed where it was meant."""
    return PRODUCTION not in name and bool(get_close_matches(name, [PRODUCTION], cutoff=ALIKE))
