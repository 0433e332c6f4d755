"""How the receivers tell others over HTTP."""

import json
import urllib.request
from collections.abc import Mapping
from typing import Any


def tell(url: str, said: Mapping[str, Any], *, method: str = "POST", key: str = "") -> None:
    """An ``OSError`` when it was not heard. By the key the other side can know a repeat."""
    headers = {"content-type": "application/json", **({"idempotency-key": key} if key else {})}
    body = json.dumps(said, ensure_ascii=False).encode()
    request = urllib.request.Request(url, body, headers, method=method)
    with urllib.request.urlopen(request, timeout=10):
        pass
