"""``lakehook replays``: the progress of replays, and stopping one."""

from typing import Annotated

import typer

from lakehook.cli.context import CommandService, service_of
from lakehook.cli.options import STACK, TEXT, AnswerAs, Stack, examples
from lakehook.cli.output import Table, print_document, print_listing
from lakehook.domain.replay import Replay
from lakehook.operations.views.replays import ReplayView

_REPLAYS = Table(
    {
        "ID": "replay_id",
        "SUBSCRIPTION": lambda view: view.subscription_name or view.subscription_id,
        "STATE": lambda view: f"{view.state} ({view.reason})" if view.reason else view.state,
        "SENT": "sent",
        "OF": "matched",
        "RATE": "rate",
        "STARTED AT": "started_at",
    },
    "no replays",
)
app = typer.Typer(rich_markup_mode=None, help="Replays: progress, and stopping one.")

ReplayId = Annotated[str, typer.Argument(metavar="ID", help="The replay's id: rpl_….")]


@app.command("list", epilog=examples("lakehook replays list"))
def list_(context: typer.Context, output: AnswerAs = TEXT, stack: Stack = STACK) -> None:
    """Show every replay of the last 60 days, the latest first."""
    service = service_of(context, stack)
    replays, owners = service.replays.all(), service.subscriptions_by_id()
    print_listing(output, _REPLAYS, [ReplayView.from_replay(replay, owners) for replay in replays])


@app.command(epilog=examples("lakehook replays show rpl_0123"))
def show(
    context: typer.Context, replay: ReplayId, output: AnswerAs = TEXT, stack: Stack = STACK
) -> None:
    """Show a replay's request, and its progress.

    Done means that all its deliveries were enqueued; sent counts them.
    """
    service = service_of(context, stack)
    print_document(output, _view(service, service.replays(replay)))


@app.command(epilog=examples("lakehook replays stop rpl_0123"))
def stop(
    context: typer.Context, replay: ReplayId, output: AnswerAs = TEXT, stack: Stack = STACK
) -> None:
    """Stop a replay; enqueued deliveries are still sent."""
    service = service_of(context, stack)
    print_document(output, _view(service, service.stop_replay(replay)))


def _view(service: CommandService, replay: Replay) -> ReplayView:
    return ReplayView.from_replay(replay, service.subscriptions_by_id())
