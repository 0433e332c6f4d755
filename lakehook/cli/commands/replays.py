"""``lakehook replays``: the progress of replays, and stopping one."""

from typing import Annotated

import typer

from lakehook.cli.context import service_of
from lakehook.cli.options import STACK, TEXT, AnswerAs, Stack, examples
from lakehook.cli.output import Table, print_document, print_listing
from lakehook.operations.views.replays import ReplayView

_REPLAYS = Table(
    {
        "ID": "replay_id",
        "SUBSCRIPTION": "subscription_id",
        "STATE": lambda view: f"{view.state} ({view.reason})" if view.reason else view.state,
        "SENT": "sent",
        "OF": "matched",
        "RATE": "rate",
        "STARTED AT": "started_at",
    },
    "no replays",
)
app = typer.Typer(rich_markup_mode=None, help="How far each has come, and how one is stopped.")

ReplayId = Annotated[str, typer.Argument(metavar="ID", help="The replay's id: rpl_….")]


@app.command("list", epilog=examples("lakehook replays list"))
def list_(context: typer.Context, output: AnswerAs = TEXT, stack: Stack = STACK) -> None:
    """Show every replay of the last 60 days, the last one first."""
    replays = service_of(context, stack).replays.all()
    print_listing(output, _REPLAYS, [ReplayView.from_replay(replay) for replay in replays])


@app.command(epilog=examples("lakehook replays show rpl_0123"))
def show(
    context: typer.Context, replay: ReplayId, output: AnswerAs = TEXT, stack: Stack = STACK
) -> None:
    """Show what a replay was asked for, and how far it has come.

    Done says that all of it is lined up to be sent, and sent counts what is.
    """
    print_document(output, ReplayView.from_replay(service_of(context, stack).replays(replay)))


@app.command(epilog=examples("lakehook replays stop rpl_0123"))
def stop(
    context: typer.Context, replay: ReplayId, output: AnswerAs = TEXT, stack: Stack = STACK
) -> None:
    """Add nothing to what it has sent; what is lined up by now still goes out."""
    stopped = service_of(context, stack).stop_replay(replay)
    print_document(output, ReplayView.from_replay(stopped))
