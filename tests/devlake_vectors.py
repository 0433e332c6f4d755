"""Notifications of DevLake's own algorithm and of real servers: see tests/outside/devlake."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.outside import OUTSIDE

_DIRECTORY = Path(__file__).parent / "vectors" / "devlake"
_VECTORS: dict[str, Any] = json.loads((_DIRECTORY / "notices.json").read_text(encoding="utf-8"))


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
    def document(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.body)
        return document


VECTORS = [Vector(**fields) for fields in _VECTORS["notices"]]
TIMES = [(row["given"], row["written"]) for row in _VECTORS["times"]]
TEXTS = [(row["given"], row["written"]) for row in _VECTORS["texts"]]

STATUSES = [vector for vector in VECTORS if vector.name.startswith("TASK_")]


def vector_named(name: str) -> Vector:
    (vector,) = (vector for vector in VECTORS if vector.name == name)
    return vector


# --- recorded from real servers: see tests/outside/devlake/SOURCE.md ---

RECORDED_SECRET = "old-devlake-secret"


@dataclass(frozen=True)
class Recorded(Vector):
    devlake: str = ""  # the release or commit of the server


RECORDED = [
    Recorded(name=fields["nouce"], secret=RECORDED_SECRET, **fields)
    for fields in map(
        json.loads, (OUTSIDE / "devlake" / "notices.jsonl").read_text("utf-8").splitlines()
    )
]
