"""What is told of an event that was tried."""

from typing import Any

from lakehook.match import Match


def match_facts(tried: Match) -> dict[str, Any]:
    return {
        "pipeline_id": tried.event.pipeline_id,
        "source": tried.event.source,
        "event_type": str(tried.event.type),
        "event_id": tried.event.id,
        "matches": tried.reason is None,
        "reason": tried.reason,
    }
