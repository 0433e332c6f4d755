"""Notices for operators: what has become worse, or well again, since they were last notified.

An alarm on a level notifies once, for the first subscription in trouble. These notices are per
subscription, and there is one for each new trouble.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from lakehook.domain.status import HealthState


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
