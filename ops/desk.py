"""What the command can have done: the use cases of one deployment."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

import typer

from lakehook.domain.event import Event
from lakehook.look_up import LookUp
from lakehook.subscribe import Amend, Subscribe
from lakehook.unsubscribe import Unsubscribe


class Publish(Protocol):
    def __call__(
        self, events: Iterable[Event], *, sent: Callable[[int], None] | None = None
    ) -> int:
        """Send events; how many. ``sent`` is told of each batch."""


@dataclass(frozen=True, kw_only=True)
class Desk:
    look_up: LookUp
    subscribe: Subscribe
    amend: Amend
    unsubscribe: Unsubscribe
    publish: Publish


OpenDesk = Callable[[str], Desk]
"""The desk of the stack of that name."""


def desk_of(context: typer.Context, stack: str) -> Desk:
    open_desk: OpenDesk = context.obj
    return open_desk(stack)
