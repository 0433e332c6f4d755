"""Test vectors of Standard Webhooks: the published ones, and changes to them that are our own."""

import json
from pathlib import Path
from typing import Any

from tests.outside import OUTSIDE

_PUBLISHED = OUTSIDE / "standard_webhooks" / "signed.json"
_CHANGES = Path(__file__).parent / "standard_webhooks.json"


def vectors(kind: str) -> list[Any]:
    """Those ``signed``; and changes to the first of them that are ``accepted`` or ``refused``."""
    found: list[Any] = (
        json.loads(_PUBLISHED.read_text(encoding="utf-8"))
        if kind == "signed"
        else json.loads(_CHANGES.read_text(encoding="utf-8"))[kind]
    )
    return found


def named(vector: Any) -> str:
    return str(vector["name"])
