"""What DevLake's own algorithm gives, and what real servers gave: see tests/outside/devlake."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.outside import OUTSIDE

_DIRECTORY = Path(__file__).parent / "vectors" / "devlake"
_ALL: dict[str, Any] = json.loads((_DIRECTORY / "notices.json").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Vector:
    name: str
    secret: str
    nouce: str
    body: str
    sign: str

    @property
    def raw(self) -> bytes:
        return self.body.encode()

    @property
    def query(self) -> str:
        return f"nouce={self.nouce}&sign={self.sign}"

    @property
    def said(self) -> dict[str, Any]:
        said: dict[str, Any] = json.loads(self.body)
        return said


VECTORS = [Vector(**one) for one in _ALL["notices"]]
TIMES = [(one["given"], one["written"]) for one in _ALL["times"]]
TEXTS = [(one["given"], one["written"]) for one in _ALL["texts"]]

STATUSES = [one for one in VECTORS if one.name.startswith("TASK_")]


def named(name: str) -> Vector:
    (vector,) = (one for one in VECTORS if one.name == name)
    return vector


# --- what real servers made: see tests/outside/devlake/SOURCE.md ---

RECORDED_SECRET = "old-devlake-secret"


@dataclass(frozen=True)
class Recorded(Vector):
    devlake: str = ""  # the release or commit of the server


RECORDED = [
    Recorded(name=one["nouce"], secret=RECORDED_SECRET, **one)
    for one in map(
        json.loads, (OUTSIDE / "devlake" / "notices.jsonl").read_text("utf-8").splitlines()
    )
]
