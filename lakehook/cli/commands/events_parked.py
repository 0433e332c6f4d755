"""``lakehook events parked``: events that were no events, read, mended and sent again."""

from typing import Annotated

import typer

from lakehook.cli.commands.events import MAX_PARKED_BYTES
from lakehook.cli.context import CommandService, service_of
from lakehook.cli.inputs import bounded
from lakehook.cli.options import STACK, TEXT, AnswerAs, Stack, Utc, examples
from lakehook.cli.output import Table, print_document, print_listing
from lakehook.cli.terminal import write
from lakehook.domain.errors import InvalidEvent, NotFound
from lakehook.domain.event import parse_event
from lakehook.operations.views.pipelines import ParkedEventView
from lakehook.ports.queues import ParkedEvent

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
Body = Annotated[bool, typer.Option("--body", help="Its body alone, to be mended in a file.")]


@app.command("list", epilog=examples("lakehook events parked list"))
def list_(
    context: typer.Context, *, utc: Utc = False, output: AnswerAs = TEXT, stack: Stack = STACK
) -> None:
    """Show the parked events, the oldest first. For a moment nobody else sees them."""
    service = service_of(context, stack)
    views = map(ParkedEventView.from_parked, service.parked_events.list())
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
    found = _find(service_of(context, stack), parked)
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
    """Publish a parked event, mended or as it is, and delete what was parked.

    It comes after what its pipeline has sent meanwhile.
    """
    service = service_of(context, stack)
    found = _find(service, parked)
    text = found.body if file is None else _read(file)
    event = parse_event(text)
    service.publish([event])
    service.parked_events.delete([found.id])
    document = {"sent": 1, "pipeline_id": event.pipeline_id, "event_id": event.id}
    print_document(
        output, document, note=f"published in the order of pipeline {event.pipeline_key}"
    )


@app.command(epilog=examples("lakehook events parked delete ID"))
def delete(
    context: typer.Context, parked: ParkedId, output: AnswerAs = TEXT, stack: Stack = STACK
) -> None:
    """Delete a parked event for good."""
    if not service_of(context, stack).parked_events.delete([parked]):
        raise _unknown(parked)
    print_document(output, {"deleted": 1})


def _read(file: typer.FileBinaryRead) -> str:
    try:
        return bounded(file, what="event", limit=MAX_PARKED_BYTES).decode("utf-8-sig").strip()
    except UnicodeDecodeError as error:
        raise InvalidEvent(str(error)) from None


def _find(service: CommandService, parked: str) -> ParkedEvent:
    for event in service.parked_events.list():
        if event.id == parked:
            return event
    raise _unknown(parked)


def _unknown(parked: str) -> NotFound:
    return NotFound(f"no parked event {parked[:80]!a} is on the queue")
