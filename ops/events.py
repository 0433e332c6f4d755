"""``lakehook events``: send events as the pipeline service would."""

from collections.abc import Iterable, Iterator

import typer

from lakehook.domain.document import read_document
from lakehook.domain.errors import BadEvent
from lakehook.domain.event import Event, pipeline_key_of
from lakehook.ports.devlake import Publish
from ops.answers import answer
from ops.desk import desk_of
from ops.options import STACK, TEXT, AnswerAs, EventsFile, Stack, examples
from ops.progress import counting

MANY = 100  # so many take long enough to show how it goes

app = typer.Typer(rich_markup_mode=None, help="Send events as the pipeline service would.")


@app.callback()
def events() -> None:
    """Keep ``send`` a command of its own: typer would merge it into a group of one."""


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
    """Send events in order, or none if a line is wrong. A repeat does no harm."""
    events = list(events_in(file))
    sent = _published(desk_of(context, stack).publish, events)
    answer(output, {"sent": sent})


def events_in(lines: Iterable[bytes]) -> Iterator[Event]:
    """One a line; ``BadEvent`` names the line that is none."""
    for number, line in enumerate(lines, start=1):
        try:
            text = line.decode("utf-8-sig").strip()
            if text:
                yield _event(text)
        except (BadEvent, UnicodeDecodeError) as error:
            raise BadEvent(f"line {number}: {error}") from None


def _event(text: str) -> Event:
    try:
        group = pipeline_key_of(read_document(text))
    except ValueError as error:
        raise BadEvent(str(error)) from None
    return Event.from_message(text, group=group)


def _published(publish: Publish, events: list[Event]) -> int:
    if len(events) < MANY:
        return publish(events)
    with counting("sending", total=len(events)) as sent:
        return publish(events, sent=sent)
