"""Context of a command: the use cases it can run."""

from collections.abc import Callable
from dataclasses import dataclass

import typer

from lakehook import operations
from lakehook.domain.devlake.sources import DevLakeSources
from lakehook.ingestion.check_devlake import CheckDevLake
from lakehook.ingestion.reconcile import Reconcile
from lakehook.operations.follow import FollowEvents
from lakehook.operations.trigger import TriggerEvent


@dataclass(frozen=True, kw_only=True)
class CommandService(operations.OperatorService):
    reconcile: Reconcile
    check_devlake: CheckDevLake
    devlake_sources: DevLakeSources
    ingress_url: str
    follow_events: FollowEvents
    trigger: TriggerEvent
    is_laptop: bool  # whether the sender runs on this machine, and reaches it


OpenService = Callable[[str], CommandService]
"""Builds the operations of a stack."""


def service_of(context: typer.Context, stack: str) -> CommandService:
    open_desk: OpenService = context.obj
    return open_desk(stack)
