"""The file in which an operator says how a stage differs from what it would be."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra.stage import Stage, stage_named

STAGES = "stages.toml"


def stage_of(name: str, file: Path) -> Stage:
    try:
        return stage_named(name, _tables(file).get(name))
    except (TypeError, ValueError) as error:
        raise SystemExit(f"{file}: [{name}] {error}") from error


def _tables(file: Path) -> Mapping[str, Any]:
    return tomllib.loads(file.read_text(encoding="utf-8"))
