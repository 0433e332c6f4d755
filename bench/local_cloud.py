"""The local cloud as the benchmarks start it, and the event that they publish."""

import os
from contextlib import ExitStack

from lakehook.domain.event import Event
from local.installation import LocalLakehook, Options


def start_lakehook(exits: ExitStack) -> tuple[LocalLakehook, int]:
    """Start an installation, and return it with the descriptor that swallows its logs."""
    sink = os.open(os.devnull, os.O_WRONLY)
    exits.callback(os.close, sink)
    options = Options(allow_networks=("127.0.0.0/8",), sink=sink)
    return exits.enter_context(LocalLakehook(options)), sink


def pipeline_event(number: int, event_type: str = "PIPELINE_CREATED") -> Event:
    document = {
        "pipeline_id": number,
        "event_type": event_type,
        "trigger_source": "manual",
        "timestamp": "2026-01-01T12:00:00Z",
    }
    return Event.from_document(document)
