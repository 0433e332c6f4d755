"""Path of each thing's page in the console.

A console listens on its user's own machine, so a view holds the path alone: behind the address of
one's own console, such as ``http://127.0.0.1:8300``, it is a link.
"""

from typing import Any
from urllib.parse import quote

from lakehook.operations.views import described

PARKED_EVENTS, REPLAYS = "/events/parked/", "/replays/"


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
