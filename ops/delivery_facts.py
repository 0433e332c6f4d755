"""How deliveries, dead letters, attempts and lanes are listed."""

from lakehook.desk.delivery_facts import attempt_facts, delivery_facts, lane_facts, letter_facts
from lakehook.domain.lane import DeliveryRecord
from lakehook.domain.outcome import Attempt
from lakehook.domain.rfc_3339 import rfc_3339
from lakehook.list_lanes import LaneReport
from ops.answers import NONE, Listing


def _letter_row(record: DeliveryRecord) -> tuple[str, ...]:
    last = record.log[-1] if record.log else None
    return (
        f"{record.lane}#{record.sequence}",
        record.event_type,
        record.reason,
        str(record.attempts),
        last.last_status if last else NONE,
        rfc_3339(last.at) if last else NONE,
    )


def _delivery_row(record: DeliveryRecord) -> tuple[str, ...]:
    return (
        f"{record.lane}#{record.sequence}",
        record.event_type,
        str(record.status),
        record.reason or NONE,
        str(record.attempts),
        record.log[-1].last_status if record.log else NONE,
        rfc_3339(record.changed_at),
    )


def _attempt_row(attempt: Attempt) -> tuple[str, ...]:
    return (
        rfc_3339(attempt.at),
        str(attempt.outcome),
        str(attempt.status or NONE),
        f"{attempt.milliseconds} ms",
        attempt.excerpt or NONE,
    )


def _lane_row(report: LaneReport) -> tuple[str, ...]:
    facts = lane_facts(report)
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
    ("ATTEMPT", "OUTCOME", "STATUS", "TOOK", "ANSWER"), _attempt_row, attempt_facts, "no attempts"
)
LANES = Listing(
    ("LANE", "HEAD", "STATE", "ATTEMPTS", "HELD SINCE", "DUE", "BEHIND"),
    _lane_row,
    lane_facts,
    "no lanes are held",
)
