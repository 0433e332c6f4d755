"""What is told of deliveries, dead letters, attempts and lanes."""

from typing import Any

from lakehook.domain.lane import DeliveryRecord
from lakehook.domain.outcome import Attempt
from lakehook.domain.rfc_3339 import rfc_3339
from lakehook.explain import Explanation
from lakehook.list_lanes import LaneReport


def letter_facts(record: DeliveryRecord) -> dict[str, Any]:
    last = record.log[-1] if record.log else None
    return {
        "delivery_id": f"{record.lane}#{record.sequence}",
        "subscription_id": record.lane.subscription_id,
        "pipeline_id": record.lane.pipeline_id,
        "source": record.lane.source,
        "sequence": record.sequence,
        "event_id": record.event_id,
        "event_type": record.event_type,
        "status": str(record.status),
        "reason": record.reason or None,
        "attempts": record.attempts,
        "last_status": last.last_status if last else None,
        "last_attempt_at": rfc_3339(last.at) if last else None,
    }


def delivery_facts(record: DeliveryRecord) -> dict[str, Any]:
    return {**letter_facts(record), "changed_at": rfc_3339(record.changed_at)}


def explanation_facts(explained: Explanation) -> dict[str, Any]:
    """One delivery, and what happens next; the attempts beside it are a list of their own."""
    at = explained.next.at
    return {
        **delivery_facts(explained.record),
        "next": explained.next.words,
        "next_at": rfc_3339(at) if at is not None else None,
    }


def attempt_facts(attempt: Attempt) -> dict[str, Any]:
    return {
        "at": rfc_3339(attempt.at),
        "outcome": str(attempt.outcome),
        "status": attempt.status,
        "milliseconds": attempt.milliseconds,
        "answer": attempt.excerpt or None,
    }


def lane_facts(report: LaneReport) -> dict[str, Any]:
    held = report.held
    return {
        "subscription_id": held.lane.subscription_id,
        "pipeline_id": held.lane.pipeline_id,
        "source": held.lane.source,
        "head": held.head,
        "state": report.state,
        "attempts": report.attempts,
        "held_since": rfc_3339(held.held_since),
        "due_at": rfc_3339(held.due_at),
        "behind": report.behind,
    }
