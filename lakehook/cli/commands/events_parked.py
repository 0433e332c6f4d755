"""``lakehook events parked``: messages that are not events, shown, corrected and sent again."""

from typing import Annotated

import typer

from lakehook.cli.commands.events import MAX_PARKED_BYTES
from lakehook.cli.context import service_of
from lakehook.cli.inputs import bounded
from lakehook.cli.options import STACK, TEXT, AnswerAs, Stack, Utc, examples
from lakehook.cli.output import Table, print_document, print_listing, write
from lakehook.domain.errors import InvalidEvent
from lakehook.operations.views.pipelines import ParkedEventView, SentEventView

app = typer.Typer(
    rich_markup_mode=None, help="Events that were refused by fan-out, each with its reason."
)

_PARKED = Table(
    {"ID": "id", "PIPELINE": "pipeline", "PARKED": "parked_at", "REASON": "reason"},
    "no parked events",
)
ParkedId = Annotated[str, typer.Argument(metavar="ID", help="As `events parked list` shows it.")]
Mended = Annotated[
    typer.FileBinaryRead | None,
    typer.Option(
        "--file",
        metavar="FILE",
        help="The event as it should have been, as JSON; - is standard input. Else as it is.",
    ),
]
Body = Annotated[bool, typer.Option("--body", help="Only its body, to be corrected in a file.")]


@app.command("list", epilog=examples("lakehook events parked list"))
def list_(
    context: typer.Context, *, utc: Utc = False, output: AnswerAs = TEXT, stack: Stack = STACK
) -> None:
    """Show the parked events, the oldest first. Other readers do not see them for a moment."""
    service = service_of(context, stack)
    views = map(ParkedEventView.from_parked, service.parked_events.all())
    print_listing(output, _PARKED, views, now=None if utc else service.clock.now())


@app.command(epilog=examples("lakehook events parked show ID --body > event.json"))
def show(
    context: typer.Context,
    parked: ParkedId,
    *,
    body: Body = False,
    output: AnswerAs = TEXT,
    stack: Stack = STACK,
) -> None:
    """Show one parked event: why it was refused, and its body."""
    found = service_of(context, stack).parked_events.find(parked)
    if body:
        write(found.body)
    else:
        print_document(output, ParkedEventView.from_parked(found))


@app.command(epilog=examples("lakehook events parked send ID --file event.json"))
def send(
    context: typer.Context,
    parked: ParkedId,
    *,
    file: Mended = None,
    output: AnswerAs = TEXT,
    stack: Stack = STACK,
) -> None:
    """Publish a parked event, corrected or as it is, and delete what was parked.

    It comes after the events that its pipeline has sent since.
    """
    body = None if file is None else _read(file)
    event = service_of(context, stack).parked_events.send(parked, body)
    note = f"published in the order of pipeline {event.pipeline_key}"
    print_document(output, SentEventView.from_event(event), note=note)


@app.command(epilog=examples("lakehook events parked delete ID"))
def delete(
    context: typer.Context, parked: ParkedId, output: AnswerAs = TEXT, stack: Stack = STACK
) -> None:
    """Delete a parked event for good."""
    service_of(context, stack).parked_events.delete(parked)
    print_document(output, {"deleted": 1})


def _read(file: typer.FileBinaryRead) -> str:
    try:
        return bounded(file, what="event", limit=MAX_PARKED_BYTES).decode("utf-8-sig").strip()
    except UnicodeDecodeError as error:
        raise InvalidEvent(str(error)) from None
