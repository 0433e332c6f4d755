"""Published test vectors of Standard Webhooks, and requests that must not be trusted."""

import json
from pathlib import Path
from typing import Any

_FILE = Path(__file__).parent / "standard_webhooks.json"


def vectors(kind: str) -> list[Any]:
    """Those ``signed``; and changes to the first of them that are ``accepted`` or ``refused``."""
    found: list[Any] = json.loads(_FILE.read_text(encoding="utf-8"))[kind]
    return found


def named(vector: Any) -> str:
    return str(vector["name"])
