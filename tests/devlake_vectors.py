"""What DevLake's own algorithm gives, as tests/vectors/devlake/generate.go has written it down."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_ALL: dict[str, Any] = json.loads(
    (Path(__file__).parent / "vectors" / "devlake" / "notices.json").read_text(encoding="utf-8")
)


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
