"""The ``lakehook`` command."""

import sys
from collections.abc import Callable, Sequence
from functools import cache
from typing import Annotated, Any

import typer
from typer.main import get_command

from lakehook import __version__
from lakehook.cli.commands import (
    console,
    dead_letters,
    deliveries,
    devlake,
    events,
    listen,
    pipelines,
    replays,
    status,
    subscriptions,
    verify,
)
from lakehook.cli.commands import deliveries as lanes
from lakehook.cli.context import CommandService
from lakehook.cli.errors import ErrorReporter, asks_for_json
from lakehook.cli.options import CommandGroup, examples
from lakehook.cli.output import write
from lakehook.ports.outbound import Warn

app = CommandGroup(
    help="Lakehook notifies every system that needs to know what Apache DevLake's pipelines do.",
    epilog=examples("lakehook listen", "lakehook events trigger PIPELINE_CREATED"),
)
app.command("status", epilog=status.STATUS_EXAMPLES)(status.status)
app.command("console", epilog=console.CONSOLE_EXAMPLES)(console.console)
app.add_typer(subscriptions.app, name="subscriptions")
app.add_typer(events.app, name="events")
app.command("listen", epilog=listen.EXAMPLES)(listen.listen)
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(lanes.lanes_app, name="lanes")
app.add_typer(deliveries.app, name="deliveries")
app.add_typer(pipelines.app, name="pipelines")
app.add_typer(devlake.app, name="devlake")
app.command("reconcile", epilog=devlake.RECONCILE_EXAMPLES)(devlake.reconcile)
app.command("replay", epilog=replays.REPLAY_EXAMPLES)(replays.replay)
app.add_typer(replays.app, name="replays")
app.command("verify", epilog=verify.EXAMPLES)(verify.verify)


def _show_version(*, asked: bool) -> None:
    if asked:
        write(f"lakehook {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def lakehook(
    context: typer.Context,
    *,
    version: Annotated[  # noqa: ARG001  its callback has answered
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show it.")
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        write(context.get_help())


def _open_service(stack: str, warn: Warn) -> CommandService:
    from lakehook.cli.bootstrap import open_service  # noqa: PLC0415  --help need not wait for boto3

    return open_service(stack, warn)


@cache
def _command() -> Callable[..., Any]:
    """Return the parsers of all commands, which take longer to build than most commands to run."""
    return get_command(app)


def run(
    arguments: Sequence[str], open_service: Callable[[str, Warn], CommandService] = _open_service
) -> int:
    """Run the command, and return the exit code."""
    reporter = ErrorReporter(as_json=asks_for_json(arguments))
    try:
        status = _command()(
            list(arguments),
            prog_name="lakehook",
            standalone_mode=False,
            obj=lambda stack: open_service(stack, reporter.warn),
        )
    except Exception as error:  # noqa: BLE001  nobody at a terminal wants a traceback
        return reporter.report(error)
    return status or 0  # None, or the status of --help and --version


def main() -> None:
    sys.exit(run(sys.argv[1:]))
