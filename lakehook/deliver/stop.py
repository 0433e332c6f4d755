"""What ends a visit, and what becomes of its message."""

from lakehook.domain.disposition import Again, Disposition, Done

LONGEST_WAIT_IN_QUEUE_SECONDS = 60.0

Stop = Disposition | None
"""None when the lane may go on."""


def in_queue_or_ledger(wait: float) -> Disposition:
    """A short wait stays in the queue; for a long one the clock comes back to the lane."""
    return Again(wait) if wait <= LONGEST_WAIT_IN_QUEUE_SECONDS else Done()
