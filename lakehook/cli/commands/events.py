"""``lakehook events``: send events as the pipeline service would."""

from collections.abc import Iterable, Iterator

import typer

from lakehook.cli.commands import events_try
from lakehook.cli.context import service_of
from lakehook.cli.options import STACK, TEXT, AnswerAs, EventsFile, Stack, examples
from lakehook.cli.output import print_document, progress_counter
from lakehook.domain.errors import InvalidEvent
from lakehook.domain.event import Event, parse_event
from lakehook.ports.ingress import Publish

MANY = 100  # from this number on, progress is shown
MAX_PARKED_BYTES = 256 * 1024  # a message of SQS

app = typer.Typer(
    rich_markup_mode=None, help="Send events as the pipeline service would, and watch them."
)


app.add_typer(events_try.app)


@app.command(
    epilog=examples(
        "lakehook events send --file events.jsonl",
        "lakehook events send --file - < events.jsonl",
    )
)
def send(
    context: typer.Context,
    *,
    file: EventsFile,
    output: AnswerAs = TEXT,
    stack: Stack = STACK,
) -> None:
    """Send events in order, or none if a line is wrong. A repeat has no effect."""
    events = list(events_in(file))
    sent = _published(service_of(context, stack).publish, events)
    print_document(output, {"sent": sent})


def events_in(lines: Iterable[bytes]) -> Iterator[Event]:
    """Yield one event per line; ``InvalidEvent`` names an invalid line."""
    for number, line in enumerate(lines, start=1):
        try:
            text = line.decode("utf-8-sig").strip()
            if text:
                yield parse_event(text)
        except (InvalidEvent, UnicodeDecodeError) as error:
            raise InvalidEvent(f"line {number}: {error}") from None


def _published(publish: Publish, events: list[Event]) -> int:
    if len(events) < MANY:
        return publish(events)
    with progress_counter("sending", total=len(events)) as sent:
        return publish(events, sent=sent)
