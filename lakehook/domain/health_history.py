"""Changes of the health of subscriptions: their history, and what operators are told of them.

The scheduler looks every few minutes, so a shorter trouble is not recorded. An alarm on a level
notifies once, for the first subscription in trouble. The notices are per subscription, and there is
one for each new trouble.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from lakehook.domain.status import HealthState


@dataclass(frozen=True, kw_only=True)
class HealthChange:
    at: float
    subscription_id: str
    before: HealthState
    after: HealthState


@dataclass(frozen=True, kw_only=True)
class HealthSpan:
    health: HealthState
    start: float
    end: float

    @property
    def seconds(self) -> float:
        return self.end - self.start


def health_spans(
    changes: Sequence[HealthChange],
    *,
    start: float,
    end: float,
    present: HealthState,
    since: float | None,
) -> list[HealthSpan]:
    """Return the spans between ``start`` and ``end``, from its changes in the order of time.

    ``present`` and ``since`` are as of ``end``: the last change may not be recorded yet. Before its
    first change a subscription was ok.
    """
    recorded = [change for change in changes if start < change.at <= end]
    earlier = [change for change in changes if change.at <= start]
    first = recorded[0].before if recorded else None
    state = earlier[-1].after if earlier else first or HealthState.OK
    steps = [(start, state), *((change.at, change.after) for change in recorded)]
    last_at, last = steps[-1]
    if last is not present:
        steps.append((min(max(last_at, since or end), end), present))
    ends = [at for at, _ in steps[1:]] + [end]
    spans = [
        HealthSpan(health=health, start=at, end=until)
        for (at, health), until in zip(steps, ends, strict=True)
        if until > at
    ]
    return _joined(spans)


def _joined(spans: Sequence[HealthSpan]) -> list[HealthSpan]:
    joined: list[HealthSpan] = []
    for span in spans:
        is_same = bool(joined) and joined[-1].health is span.health
        start = joined.pop().start if is_same else span.start
        joined.append(HealthSpan(health=span.health, start=start, end=span.end))
    return joined


class OperatorNotice(StrEnum):
    """The kinds of notice, the most urgent first."""

    SUBSCRIPTION_DISABLED = "OPERATIONS_SUBSCRIPTION_DISABLED"
    ENDPOINT_DOWN = "OPERATIONS_ENDPOINT_DOWN"
    DEAD_LETTERS = "OPERATIONS_DEAD_LETTERS"
    CERTIFICATE_EXPIRES = "OPERATIONS_CERTIFICATE_EXPIRES"
    RECOVERED = "OPERATIONS_RECOVERED"


@dataclass(frozen=True, kw_only=True)
class SubscriptionCondition:
    """Condition of a subscription as operators know it; by default healthy."""

    is_disabled: bool = False
    is_down: bool = False  # for a time, or in a way, that needs attention
    dead_letters: int = 0
    health: HealthState = field(default=HealthState.OK, compare=False)  # for its history
    certificate_expires: bool = False  # soon

    @property
    def is_well(self) -> bool:
        return self == SubscriptionCondition()


def notices_between(
    before: SubscriptionCondition, after: SubscriptionCondition
) -> Iterator[OperatorNotice]:
    """Yield what operators must be notified of; fewer dead letters than before are no news."""
    if after.is_disabled and not before.is_disabled:
        yield OperatorNotice.SUBSCRIPTION_DISABLED
    if after.is_down and not before.is_down:
        yield OperatorNotice.ENDPOINT_DOWN
    if after.dead_letters > before.dead_letters:
        yield OperatorNotice.DEAD_LETTERS
    if after.certificate_expires and not before.certificate_expires:
        yield OperatorNotice.CERTIFICATE_EXPIRES
    if after.is_well and not before.is_well:
        yield OperatorNotice.RECOVERED
