"""Views: the one model of each resource that the command, the API and a page show.

================  ==================================================================
subscriptions.py  subscriptions, their secrets, and what an endpoint has answered
deliveries.py     deliveries, attempts, dead letters and held lanes
pipelines.py      pipelines, their events, and each subscriber's progress
replays.py        replays, and what one would send
status.py         health, what waits, and commands to run
================  ==================================================================

A view is a frozen dataclass of plain values: ``dataclasses.asdict`` is its JSON. The OpenAPI
description has its name without ``View``. No view holds a header's value, a query's value, or a
secret but the one that is shown once. A console listens on its user's own machine, so a view holds
the path of a page alone: behind the address of one's own console, it is a link.
"""

from dataclasses import field
from typing import Any
from urllib.parse import quote

from lakehook.domain.time import format_rfc3339

PARKED_EVENTS, REPLAYS = "/events/parked/", "/replays/"


def described(description: str, **schema: Any) -> Any:
    """Describe a field for the API's clients; pydantic reads the metadata."""
    return field(metadata={"description": description, **schema})


def example(*examples: Any) -> Any:
    return field(metadata={"examples": list(examples)})


def format_time(at: float | None) -> str | None:
    return None if at is None else format_rfc3339(at)


def console_path() -> Any:
    return described("Its page, behind the address of your own console: http://127.0.0.1:8300.")


def subscription_path(subscription_id: str) -> str:
    return f"/subscriptions/{quote(subscription_id, safe='')}"


def delivery_path(delivery_id: str) -> str:
    return f"/deliveries/{quote(delivery_id, safe='/')}"


def pipeline_path(pipeline_key: str) -> str:
    return f"/pipelines/{quote(pipeline_key, safe='/')}"


def parked_event_path(parked_id: str) -> str:
    return PARKED_EVENTS + quote(parked_id, safe="")
