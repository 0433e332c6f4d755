"""Who is told, and where it is written."""

from collections.abc import Sequence
from typing import Protocol

from lakehook.domain.subscription import Subscription


class Subscriptions(Protocol):
    def all(self) -> Sequence[Subscription]:
        """Every subscription, removed ones too, as of now."""

    def find(self, subscription_id: str, *, anew: bool = False) -> Subscription | None:
        """One subscription, removed or not: as of a little earlier, or ``anew`` as of now."""

    def disable(self, subscription_id: str, reason: str) -> None:
        """Block it until an operator enables it; the first reason stands."""


class Registry(Subscriptions, Protocol):
    def save(self, subscription: Subscription) -> Subscription:
        """Write a subscription, and return it as it now stands; whoever reads sees it.

        ``ChangedMeanwhile`` when it is no longer of the version that was read.
        """
