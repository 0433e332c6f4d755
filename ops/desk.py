"""What the command can have done: the use cases of one deployment."""

from collections.abc import Callable
from dataclasses import dataclass

import typer

from lakehook.discard import Discard
from lakehook.explain import Explain
from lakehook.find_letters import FindLetters
from lakehook.list_deliveries import ListDeliveries
from lakehook.list_lanes import ListLanes
from lakehook.list_pipelines import ListPipelines
from lakehook.look_up import LookUp
from lakehook.pause import Enable, Pause, Unpause
from lakehook.ping.ask import AskEndpoint
from lakehook.ports import Publish
from lakehook.preview import PreviewDelivery
from lakehook.reconcile import Reconcile
from lakehook.redrive import Redrive
from lakehook.subscribe import Amend, Subscribe
from lakehook.subscribe.rotate import RotateSecret
from lakehook.tell_pipeline import TellPipeline
from lakehook.unsubscribe import Unsubscribe


@dataclass(frozen=True, kw_only=True)
class Desk:
    look_up: LookUp
    subscribe: Subscribe
    ask: AskEndpoint
    amend: Amend
    preview: PreviewDelivery
    rotate_secret: RotateSecret
    unsubscribe: Unsubscribe
    pause: Pause
    unpause: Unpause
    enable: Enable
    find_letters: FindLetters
    redrive: Redrive
    discard: Discard
    list_lanes: ListLanes
    list_deliveries: ListDeliveries
    explain: Explain
    tell_pipeline: TellPipeline
    list_pipelines: ListPipelines
    publish: Publish
    reconcile: Reconcile


OpenDesk = Callable[[str], Desk]
"""The desk of the stack of that name."""


def desk_of(context: typer.Context, stack: str) -> Desk:
    open_desk: OpenDesk = context.obj
    return open_desk(stack)
