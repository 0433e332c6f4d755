"""Report of the demonstration: what was proven, or which delivery is missing and why."""

from collections.abc import Callable, Iterator, Sequence

from lakehook.domain.attempt import Attempt
from lakehook.domain.delivery import Lane
from lakehook.domain.errors import LakehookError
from lakehook.operations import OperatorService
from local.demo.checks import Verdict
from local.demo.subscribers import REFUSED, Subscriber

MAX_EXPLAINED = 5  # missing deliveries of a subscriber
Explain = Callable[[str, str, int], str]
"""Explains a subscriber's delivery of a pipeline and sequence, on one line."""


def proven(cast: Sequence[Subscriber], verdicts: Sequence[Verdict]) -> Iterator[str]:
    """Yield sentences that are true if every verdict is good."""
    arrived = sum(verdict.arrived for verdict in verdicts)
    yield f"Every event reached every subscriber that asked for it: {arrived} deliveries."
    yield "Each pipeline's events came in order, and every signature was verified"
    yield "  by a public library, standardwebhooks."
    by_name = {subscriber.receiver.name: subscriber for subscriber in cast}
    shaky = by_name["shaky"].receiver
    refused = len(shaky.arrivals) - len(shaky.taken)
    yield f"shaky: its {refused} failed deliveries came again, and what was behind them waited."
    taken = [arrival for arrival in by_name["stuck"].receiver.taken if arrival.pipeline == REFUSED]
    numbers = " ".join(f"#{arrival.sequence}" for arrival in taken)
    yield f"stuck, {REFUSED}: {numbers} arrived in order after the redrive."


def faults(subscriber: Subscriber, verdict: Verdict, explain: Explain) -> Iterator[str]:
    """Yield the problems of a subscriber: which deliveries, and why."""
    name = subscriber.receiver.name
    yield from (f"{name}: {problem}" for problem in verdict.problems)
    for pipeline, sequence in verdict.missing[:MAX_EXPLAINED]:
        why = explain(name, pipeline, sequence)
        yield f"{name}: #{sequence} of {pipeline} is missing: {why}"
    if (more := len(verdict.missing) - MAX_EXPLAINED) > 0:
        yield f"{name}: {more} more are missing"


def explain_by(service: OperatorService) -> Explain:
    """Explain by the ledger, as ``lakehook deliveries show`` does."""

    def explain(name: str, pipeline: str, sequence: int) -> str:
        try:
            lane = Lane(service.find_subscription(name).id, pipeline)
            explained = service.explain(f"{lane}#{sequence}")
        except LakehookError as error:
            return str(error)
        record = explained.record
        last = _attempt(record.attempts_log[-1]) if record.attempts_log else "no attempt"
        state = f"{record.status} ({record.reason})" if record.reason else str(record.status)
        return f"{state}; {last}; {explained.next.description}"

    return explain


def _attempt(attempt: Attempt) -> str:
    status = f" {attempt.status}" if attempt.status else ""
    return f"last attempt {attempt.outcome}{status}"
