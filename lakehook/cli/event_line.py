"""Formatting of an event on one line, in aligned columns."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from lakehook.domain.text import on_one_line, truncate

MAX_PROJECT_WIDTH = 20


def describe_event(document: Mapping[str, Any], *, at: float) -> str:
    """Format an event; ``at`` is in unix seconds, and shown in local time."""
    local = datetime.fromtimestamp(at, UTC).astimezone()
    source, sequence = document.get("source"), document.get("sequence")
    pipeline = f"{f'{source}/' if source else ''}{document.get('pipeline_id', '-')}"
    number = f"#{sequence}" if sequence else ""
    event_type = str(document.get("event_type", "?"))
    project = truncate(str(document.get("project_name") or ""), MAX_PROJECT_WIDTH)
    return on_one_line(
        f"{local:%H:%M:%S}  {pipeline:>6} {number:<4} {event_type:<19}"
        f" {project:<{MAX_PROJECT_WIDTH}}"
    )
