"""Views: the one model of each resource that the command, the API and a page show.

================  ==================================================================
subscriptions.py  subscriptions, their secrets, and what an endpoint has answered
deliveries.py     deliveries, attempts, dead letters and held lanes
pipelines.py      pipelines, their events, and each subscriber's progress
replays.py        replays, and what one would send
trends.py         health over time, and how deliveries go
status.py         health, what waits, and commands to run
console_path.py   where the console shows each
================  ==================================================================

A view is a frozen dataclass of plain values: ``dataclasses.asdict`` is its JSON. The OpenAPI
description has its name without ``View``. No view holds a header's value, a query's value, or a
secret but the one that is shown once.
"""

from dataclasses import field
from typing import Any

from lakehook.domain.time import format_rfc3339


def described(description: str, **schema: Any) -> Any:
    """Describe a field for the API's clients; pydantic reads the metadata."""
    return field(metadata={"description": description, **schema})


def example(*examples: Any) -> Any:
    return field(metadata={"examples": list(examples)})


def format_time(at: float | None) -> str | None:
    return None if at is None else format_rfc3339(at)
