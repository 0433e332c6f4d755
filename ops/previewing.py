"""``lakehook subscriptions preview``: what would go out, to the letter?"""

from typing import Annotated

import typer

from lakehook.desk.preview_facts import preview_facts, preview_warnings
from lakehook.domain.document import read_document
from lakehook.domain.errors import BadEvent
from lakehook.domain.event import MAX_EVENT_BYTES, Event, EventType
from lakehook.domain.sample import sample_of
from lakehook.domain.subscription import checked_event_types
from lakehook.preview import Preview
from ops.answers import Output, answer
from ops.desk import desk_of
from ops.given import bounded
from ops.options import STACK, TEXT, AnswerAs, Id, Stack, examples
from ops.terminal import write

app = typer.Typer(rich_markup_mode=None)

OfType = Annotated[
    str | None,
    typer.Option(
        "--event-type",
        metavar="TYPE",
        help=f"Of a sample event: {EventType.PIPELINE_COMPLETED} if never said.",
    ),
]
EventFile = Annotated[
    typer.FileBinaryRead | None,
    typer.Option(
        "--file", metavar="FILE", help="An event of your own, as JSON; - is standard input."
    ),
]


@app.command(
    epilog=examples(
        "lakehook subscriptions preview ci --event-type PIPELINE_FAILED",
        "lakehook subscriptions preview ci --file event.json",
    )
)
def preview(  # noqa: PLR0913  each is an option
    context: typer.Context,
    subscription: Id,
    *,
    event_type: OfType = None,
    file: EventFile = None,
    output: AnswerAs = TEXT,
    stack: Stack = STACK,
) -> None:
    """Show what would be sent of an event, and send nothing.

    It warns of fields that the template asks for and that the event has not: they come out empty.
    Exit code 1 says that the template fails on it: such a delivery would be a dead letter.
    """
    event = _event(file, event_type)
    desk = desk_of(context, stack)
    previewed = desk.preview(desk.look_up(subscription), event)
    if output is Output.JSON:
        answer(output, preview_facts(previewed))
        return
    write(_told(previewed))
    for warning in preview_warnings(previewed):
        write(f"warning: {warning}", err=True)


def _event(file: typer.FileBinaryRead | None, event_type: str | None) -> Event:
    if file is None:
        (checked,) = checked_event_types([event_type or EventType.PIPELINE_COMPLETED])
        return sample_of(checked)
    if event_type is not None:
        raise typer.BadParameter("an event of your own has one", param_hint="--event-type")
    try:
        text = bounded(file, what="event", most=MAX_EVENT_BYTES).decode("utf-8-sig")
        return Event.from_document(read_document(text))
    except ValueError as error:
        raise BadEvent(str(error)) from None


def _told(previewed: Preview) -> str:
    """As a request looks: its headers, an empty line, its body."""
    subject = [] if previewed.subject is None else [f"subject: {previewed.subject}"]
    headers = [f"{name}: {value}" for name, value in previewed.headers.items()]
    html = [] if previewed.html is None else ["", previewed.html]
    return "\n".join([*subject, *headers, "", previewed.body, *html])
