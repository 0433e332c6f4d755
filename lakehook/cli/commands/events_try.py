"""``lakehook events trigger`` and ``events tail``: send a sample, and watch events arrive."""

from collections.abc import Iterable
from contextlib import suppress
from typing import Annotated

import typer

from lakehook.cli.context import service_of
from lakehook.cli.event_line import describe_event
from lakehook.cli.options import STACK, TEXT, AnswerAs, Limit, Stack, Yes, examples
from lakehook.cli.output import Output, print_document
from lakehook.cli.terminal import write
from lakehook.domain.errors import InvalidInput
from lakehook.domain.event import EventType
from lakehook.domain.json_document import to_ascii_json
from lakehook.domain.time import FORMS, format_rfc3339
from lakehook.ports.stores import AcceptedEvent

SAMPLE_PIPELINE = "39"
app = typer.Typer(rich_markup_mode=None)

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


@app.command(
    epilog=examples(
        "lakehook events trigger PIPELINE_CREATED",
        "lakehook events trigger PIPELINE_FAILED --pipeline 7 --to ci",
    )
)
def trigger(  # noqa: PLR0913  each is an option
    context: typer.Context,
    event_type: Type,
    *,
    pipeline: Pipeline = SAMPLE_PIPELINE,
    to: To = None,
    yes: Yes = False,
    output: AnswerAs = TEXT,
    stack: Stack = STACK,
) -> None:
    """Send a sample event that happens now; on AWS to all subscribers only with --yes."""
    service = service_of(context, stack)
    pipeline_id = int(pipeline) if pipeline.isdecimal() else pipeline
    if to is not None:
        subscription = service.find_subscription(to)
        delivery = service.trigger.to_one(subscription, event_type, pipeline_id)
        print_document(
            output,
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
        output,
        {"sent": str(event_type), "pipeline_id": event.pipeline_id, "event_id": event.id},
        note=f"what came of it: lakehook pipelines show {event.pipeline_id}",
    )


@app.command(epilog=examples("lakehook events tail --since 2h", "lakehook events tail --follow"))
def tail(  # noqa: PLR0913  each is an option
    context: typer.Context,
    *,
    follow: Follow = False,
    since: TailSince = None,
    limit: Limit = 20,
    output: AnswerAs = TEXT,
    stack: Stack = STACK,
) -> None:
    """Show the last events that were accepted, and with --follow those that follow.

    Without --follow the whole journal is read once.
    """
    service = service_of(context, stack)
    at = service.moment(since or ("0s" if follow else "1h"), what="since")
    if follow:
        with suppress(KeyboardInterrupt):
            _print(service.follow_events(since=at), output)
    else:
        _print(service.follow_events.past(since=at)[-limit:], output)


def _print(events: Iterable[AcceptedEvent], output: Output) -> None:
    for accepted in events:
        sequenced = accepted.sequenced
        document = sequenced.event.document | {"sequence": sequenced.sequence}
        if output is Output.JSON:
            write(to_ascii_json({"accepted_at": format_rfc3339(accepted.at), **document}))
        else:
            write(describe_event(document, at=accepted.at).rstrip())
