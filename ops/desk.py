"""What the command can have done: what any door can, and what only a person at a terminal does."""

from collections.abc import Callable
from dataclasses import dataclass

import typer

from lakehook import desk
from lakehook.check_devlake import CheckDevLake
from lakehook.domain.devlake.sources import DevLakeSources
from lakehook.ports.devlake import Publish
from lakehook.reconcile import Reconcile


@dataclass(frozen=True, kw_only=True)
class Desk(desk.Desk):
    publish: Publish
    reconcile: Reconcile
    check_devlake: CheckDevLake
    devlake_sources: DevLakeSources
    ingress_url: str


OpenDesk = Callable[[str], Desk]
"""The desk of the stack of that name."""


def desk_of(context: typer.Context, stack: str) -> Desk:
    open_desk: OpenDesk = context.obj
    return open_desk(stack)
