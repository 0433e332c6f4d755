"""``lakehook events``: send events, trigger a sample, watch events, mend those that are parked."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Annotated

import typer

from lakehook.cli.inputs import bounded
from lakehook.cli.options import CommandCall, CommandGroup, EventsFile, Limit, Utc, Yes, examples
from lakehook.cli.output import (
    Output,
    Table,
    describe_event,
    print_document,
    print_listing,
    progress_counter,
    write,
)
from lakehook.domain.errors import InvalidEvent, InvalidInput
from lakehook.domain.event import Event, EventType, parse_event
from lakehook.domain.json_document import to_ascii_json
from lakehook.domain.pipeline import AcceptedEvent
from lakehook.domain.time import FORMS, format_rfc3339
from lakehook.operations.views.pipelines import ParkedEventView, SentEventView
from lakehook.ports.ingress import Publish

SAMPLE_PIPELINE = "39"
app = CommandGroup(help="Send events as the pipeline service would, and watch them.")

Type = Annotated[
    EventType, typer.Argument(metavar="TYPE", help="Which event, such as PIPELINE_FAILED.")
]
Pipeline = Annotated[str, typer.Option("--pipeline", metavar="ID", help="Its pipeline.")]
To = Annotated[
    str | None,
    typer.Option(
        "--to",
        metavar="NAME",
        help="Deliver it only to this subscription, in a lane of its own; default: publish it.",
    ),
]
Follow = Annotated[bool, typer.Option("--follow", help="Go on until Ctrl-C.")]
TailSince = Annotated[
    str | None,
    typer.Option("--since", metavar="TIME", help=f"Accepted since: {FORMS}; else 1h."),
]

MANY = 100  # from this number on, progress is shown
MAX_PARKED_BYTES = 256 * 1024  # a message of SQS
parked_app = CommandGroup(help="Events that were refused by fan-out, each with its reason.")
app.add_typer(parked_app, name="parked")

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


@app.command(
    epilog=examples(
        "lakehook events trigger PIPELINE_CREATED",
        "lakehook events trigger PIPELINE_FAILED --pipeline 7 --to ci",
    )
)
def trigger(
    event_type: Type,
    *,
    pipeline: Pipeline = SAMPLE_PIPELINE,
    to: To = None,
    yes: Yes = False,
    call: CommandCall,
) -> None:
    """Send a sample event that happens now; on AWS to all subscribers only with --yes."""
    service = call.service
    pipeline_id = int(pipeline) if pipeline.isdecimal() else pipeline
    if to is not None:
        subscription = service.find_subscription(to)
        delivery = service.trigger.to_one(subscription, event_type, pipeline_id)
        print_document(
            call.output,
            {"sent": str(event_type), "delivery_id": delivery.id},
            note=f"what came of it: lakehook deliveries show {delivery.id}",
        )
        return
    if not (service.is_laptop or yes):
        raise InvalidInput(
            "this goes to every subscriber of the stack; give --to NAME for one, or --yes"
        )
    event = service.trigger.to_all(event_type, pipeline_id)
    print_document(
        call.output,
        {"sent": str(event_type), "pipeline_id": event.pipeline_id, "event_id": event.id},
        note=f"what came of it: lakehook pipelines show {event.pipeline_id}",
    )


@app.command(epilog=examples("lakehook events tail --since 2h", "lakehook events tail --follow"))
def tail(
    *, follow: Follow = False, since: TailSince = None, limit: Limit = 20, call: CommandCall
) -> None:
    """Show the last events that were accepted, and with --follow those that follow.

    Without --follow the whole journal is read once.
    """
    service = call.service
    at = service.moment(since or ("0s" if follow else "1h"), what="since")
    if follow:
        with suppress(KeyboardInterrupt):
            _print(service.follow_events(since=at), call.output)
    else:
        _print(service.follow_events.past(since=at)[-limit:], call.output)


def _print(events: Iterable[AcceptedEvent], output: Output) -> None:
    for accepted in events:
        sequenced = accepted.sequenced
        document = sequenced.event.document | {"sequence": sequenced.sequence}
        if output is Output.JSON:
            write(to_ascii_json({"accepted_at": format_rfc3339(accepted.at), **document}))
        else:
            write(describe_event(document, at=accepted.at).rstrip())


@app.command(
    epilog=examples(
        "lakehook events send --file events.jsonl",
        "lakehook events send --file - < events.jsonl",
    )
)
def send(*, file: EventsFile, call: CommandCall) -> None:
    """Send events in order, or none if a line is wrong. A repeat has no effect."""
    events = list(events_in(file))
    sent = _published(call.service.publish, events)
    print_document(call.output, {"sent": sent})


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


@parked_app.command("list", epilog=examples("lakehook events parked list"))
def list_parked(*, utc: Utc = False, call: CommandCall) -> None:
    """Show the parked events, the oldest first. Other readers do not see them for a moment."""
    service = call.service
    views = map(ParkedEventView.from_parked, service.parked_events.all())
    print_listing(call.output, _PARKED, views, now=None if utc else service.clock.now())


@parked_app.command("show", epilog=examples("lakehook events parked show ID --body > event.json"))
def show_parked(parked: ParkedId, *, body: Body = False, call: CommandCall) -> None:
    """Show one parked event: why it was refused, and its body."""
    event = call.service.parked_events.find(parked)
    if body:
        write(event.body)
    else:
        print_document(call.output, ParkedEventView.from_parked(event))


@parked_app.command("send", epilog=examples("lakehook events parked send ID --file event.json"))
def send_parked(parked: ParkedId, *, file: Mended = None, call: CommandCall) -> None:
    """Publish a parked event, corrected or as it is, and delete what was parked.

    It comes after the events that its pipeline has sent since.
    """
    body = None if file is None else _read_event(file)
    event = call.service.parked_events.send(parked, body)
    note = f"published in the order of pipeline {event.pipeline_key}"
    print_document(call.output, SentEventView.from_event(event), note=note)


@parked_app.command("delete", epilog=examples("lakehook events parked delete ID"))
def delete_parked(parked: ParkedId, *, call: CommandCall) -> None:
    """Delete a parked event for good."""
    call.service.parked_events.delete(parked)
    print_document(call.output, {"deleted": 1})


def _read_event(file: typer.FileBinaryRead) -> str:
    try:
        return bounded(file, what="event", limit=MAX_PARKED_BYTES).decode("utf-8-sig").strip()
    except UnicodeDecodeError as error:
        raise InvalidEvent(str(error)) from None
