"""The ``lakehook`` command."""

import sys
from collections.abc import Callable, Sequence
from typing import Annotated

import typer

from lakehook import __version__
from lakehook.ports.endpoints import Warn
from ops import (
    dead_letters,
    deliveries,
    devlake,
    events,
    lanes,
    pipelines,
    reconcile,
    replay,
    replays,
    subscriptions,
    verify,
)
from ops.complaints import Complaints, asks_for_json
from ops.desk import Desk
from ops.options import examples
from ops.terminal import write

app = typer.Typer(
    rich_markup_mode=None,
    add_completion=False,
    help="Lakehook tells every system that cares what Apache DevLake's pipelines are doing.",
    epilog=examples("lakehook subscriptions add --name ci --url https://ci.example/hook"),
)
app.add_typer(subscriptions.app, name="subscriptions")
app.add_typer(events.app, name="events")
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(lanes.app, name="lanes")
app.add_typer(deliveries.app, name="deliveries")
app.add_typer(pipelines.app, name="pipelines")
app.add_typer(devlake.app, name="devlake")
app.command("reconcile", epilog=reconcile.EXAMPLES)(reconcile.reconcile)
app.command("replay", epilog=replay.EXAMPLES)(replay.replay)
app.add_typer(replays.app, name="replays")
app.command("verify", epilog=verify.EXAMPLES)(verify.verify)


def _tell_version(*, asked: bool) -> None:
    if asked:
        write(f"lakehook {__version__}")
        raise typer.Exit


@app.callback()
def lakehook(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Show it.")
    ] = False,
) -> None: ...


def _desk_of_stack(stack: str, warn: Warn) -> Desk:
    from ops.wiring import desk_of_stack  # noqa: PLC0415  --help need not wait for boto3

    return desk_of_stack(stack, warn)


def run(arguments: Sequence[str], open_desk: Callable[[str, Warn], Desk] = _desk_of_stack) -> int:
    """Do what the arguments say; the exit code."""
    complaints = Complaints(as_json=asks_for_json(arguments))
    try:
        status = app(
            list(arguments),
            prog_name="lakehook",
            standalone_mode=False,
            obj=lambda stack: open_desk(stack, complaints.warn),
        )
    except Exception as error:  # noqa: BLE001  nobody at a terminal wants a traceback
        return complaints.tell(error)
    return status or 0  # nothing, or what --help and --version end with


def main() -> None:
    sys.exit(run(sys.argv[1:]))
