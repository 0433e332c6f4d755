"""What is shown of deliveries, dead letters, attempts and lanes."""

from typing import Any

from lakehook.domain.lane import DeliveryRecord
from lakehook.domain.outcome import Attempt
from lakehook.domain.rfc_3339 import rfc_3339
from lakehook.list_lanes import LaneReport
from ops.answers import NONE, Listing


def delivery_id(record: DeliveryRecord) -> str:
    return f"{record.lane}#{record.sequence}"


def letter_facts(record: DeliveryRecord) -> dict[str, Any]:
    last = record.log[-1] if record.log else None
    return {
        "delivery_id": delivery_id(record),
        "subscription_id": record.lane.subscription_id,
        "pipeline_id": record.lane.pipeline_id,
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


def _letter_row(record: DeliveryRecord) -> tuple[str, ...]:
    last = record.log[-1] if record.log else None
    return (
        delivery_id(record),
        record.event_type,
        record.reason,
        str(record.attempts),
        last.last_status if last else NONE,
        rfc_3339(last.at) if last else NONE,
    )


def _delivery_row(record: DeliveryRecord) -> tuple[str, ...]:
    return (
        delivery_id(record),
        record.event_type,
        str(record.status),
        record.reason or NONE,
        str(record.attempts),
        record.log[-1].last_status if record.log else NONE,
        rfc_3339(record.changed_at),
    )


def _attempt_facts(attempt: Attempt) -> dict[str, Any]:
    return {
        "at": rfc_3339(attempt.at),
        "outcome": str(attempt.outcome),
        "status": attempt.status,
        "milliseconds": attempt.milliseconds,
        "answer": attempt.excerpt or None,
    }


def _attempt_row(attempt: Attempt) -> tuple[str, ...]:
    return (
        rfc_3339(attempt.at),
        str(attempt.outcome),
        str(attempt.status or NONE),
        f"{attempt.milliseconds} ms",
        attempt.excerpt or NONE,
    )


def _lane_facts(report: LaneReport) -> dict[str, Any]:
    held = report.held
    return {
        "subscription_id": held.lane.subscription_id,
        "pipeline_id": held.lane.pipeline_id,
        "head": held.head,
        "state": report.state,
        "attempts": report.attempts,
        "held_since": rfc_3339(held.held_since),
        "due_at": rfc_3339(held.due_at),
        "behind": report.behind,
    }


def _lane_row(report: LaneReport) -> tuple[str, ...]:
    facts = _lane_facts(report)
    return str(report.held.lane), *(str(facts[name]) for name in _LANE_COLUMNS)


_LANE_COLUMNS = ("head", "state", "attempts", "held_since", "due_at", "behind")

LETTERS = Listing(
    ("ID", "EVENT TYPE", "REASON", "ATTEMPTS", "LAST", "LAST ATTEMPT"),
    _letter_row,
    letter_facts,
    "no dead letters",
)
DELIVERIES = Listing(
    ("ID", "EVENT TYPE", "STATUS", "REASON", "ATTEMPTS", "LAST", "CHANGED"),
    _delivery_row,
    delivery_facts,
    "no deliveries",
)
ATTEMPTS = Listing(
    ("ATTEMPT", "OUTCOME", "STATUS", "TOOK", "ANSWER"), _attempt_row, _attempt_facts, "no attempts"
)
LANES = Listing(
    ("LANE", "HEAD", "STATE", "ATTEMPTS", "HELD SINCE", "DUE", "BEHIND"),
    _lane_row,
    _lane_facts,
    "no lanes are held",
)
