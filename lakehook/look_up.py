"""Look up: the subscriptions that are in force, by id or by name; removed ones by id alone."""

from dataclasses import dataclass

from lakehook.domain.errors import BadSubscription, NotFound
from lakehook.domain.subscription import Subscription
from lakehook.ports.subscriptions import Subscriptions


@dataclass(frozen=True)
class LookUp:
    subscriptions: Subscriptions

    def __call__(self, id_or_name: str, *, removed: bool = False) -> Subscription:
        """The one meant; a name will do while no other subscription bears it.

        With ``removed`` an id may be that of a tombstone. Its name is free for others.
        """
        in_force = self.all()
        by_id = [
            one
            for one in (self.subscriptions.all() if removed else in_force)
            if one.id == id_or_name
        ]
        found = by_id or [one for one in in_force if one.name == id_or_name]
        if not found:
            raise NotFound(f"no subscription has the id or the name {id_or_name[:100]!a}")
        if len(found) > 1:
            ids = ", ".join(one.id for one in found)
            raise BadSubscription(
                f"name: {len(found)} subscriptions bear {id_or_name[:100]!a}: {ids}"
            )
        return found[0]

    def all(self) -> list[Subscription]:
        """The oldest first."""
        in_force = [one for one in self.subscriptions.all() if one.removed_at is None]
        return sorted(in_force, key=lambda one: (one.created_at, one.id))
