"""What of the deliveries, as the functions count them, wakes people."""

from collections.abc import Sequence

from infra.measures import WORKERS, Measures
from infra.tail import OWN_TROUBLE, tail
from infra.watch import HOUR, Watch
from lakehook import metrics as names

FAILED_ATTEMPTS = """'{ $.message = "delivery_attempted" && $.outcome != "delivered" }'"""


def watches_of_deliveries(measures: Measures) -> Sequence[Watch]:
    return (*_of_what_waits(measures), *_of_attempts(measures))


def _of_what_waits(measures: Measures) -> Sequence[Watch]:
    held = f"lakehook lanes list --held --stack {measures.namespace}"
    return (
        Watch(
            name="OldestHeld",
            metric=measures.ours(names.OLDEST_HELD, "clock", "Maximum"),
            above=24 * HOUR,
            minutes=15,
            means="Something has waited for a day, behind a dead letter or a receiver down.",
            type=held,
        ),
        Watch(
            name="BreakersOpen",
            metric=measures.ours(names.BREAKERS_OPEN, "clock", "Maximum"),
            above=0,
            minutes=15,
            means="An endpoint has been down for a quarter of an hour; its deliveries wait.",
            type=held,
        ),
        Watch(
            name="PipelinesStalled",
            metric=measures.ours(names.PIPELINES_STALLED, "clock"),
            above=0,
            minutes=5,
            means="A pipeline has stayed in one state for longer than its project allows.",
            type=f"lakehook pipelines list --older-than 15m --stack {measures.namespace}",
        ),
    )


def _of_attempts(measures: Measures) -> Sequence[Watch]:
    return (
        Watch(
            name="FailureRate",
            metric=measures.failure_rate(),
            above=50,
            minutes=15,
            means="Of a hundred attempts more than fifty fail: many receivers, or our way out.",
            type=tail(measures, "deliver", pattern=FAILED_ATTEMPTS),
        ),
        Watch(
            name="OwnTrouble",
            metric=measures.trouble(WORKERS),
            above=5,
            minutes=5,
            means="AWS fails us, or we do: nothing is lost, and everything is late.",
            type=tail(measures, *WORKERS, pattern=OWN_TROUBLE),
        ),
        Watch(
            name="ReplaysFailing",
            metric=measures.ours(names.TROUBLE, "clock"),
            above=0,
            minutes=15,
            means="For a quarter of an hour a replay has failed; what is new goes on.",
            type=f"lakehook replays list --stack {measures.namespace}",
        ),
    )
