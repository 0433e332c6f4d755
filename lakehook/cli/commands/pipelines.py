"""``lakehook pipelines``: a pipeline's events, its subscribers' progress, unfinished pipelines."""

from typing import Annotated

import typer

from lakehook.cli.options import CommandCall, CommandGroup, OfSource, PipelineId, Utc, examples
from lakehook.cli.output import NONE, Table, print_document, print_listing
from lakehook.domain.errors import InvalidInput
from lakehook.domain.event import join_pipeline_key, parse_pipeline_key
from lakehook.domain.pipeline import ACTIVE_STATES, MAX_SECONDS, PipelineState
from lakehook.domain.text import counted, truncate
from lakehook.domain.time import format_duration, parse_duration
from lakehook.operations.views.pipelines import PipelineReportView, PipelineView, SentPipelineView

MAX_PROJECT_WIDTH = 60  # characters

app = CommandGroup(help="Pipelines: events, and each subscriber's progress.")

State = Annotated[
    str | None,
    typer.Option(
        "--state", metavar="|".join(ACTIVE_STATES), help="In this state; default: either."
    ),
]
OlderThan = Annotated[
    str | None,
    typer.Option(
        "--older-than", metavar="DURATION", help="In its state for at least this long: 15m, 24h."
    ),
]

Receiving = Annotated[
    str, typer.Option("--subscription", metavar="ID", help="Who gets it, by id or name.")
]


@app.command(
    "list",
    epilog=examples(
        "lakehook pipelines list",
        "lakehook pipelines list --state created --older-than 15m --output json",
    ),
)
def list_(
    *, state: State = None, older_than: OlderThan = None, source: OfSource = None, call: CommandCall
) -> None:
    """Show pipelines that have not ended, since their state was accepted; the longest first."""
    seconds = _seconds(older_than) if older_than else 0.0
    pipelines = call.service.list_pipelines(_parse_state(state), older_than=seconds, source=source)
    print_listing(
        call.output, _UNENDED, [PipelineView.from_unfinished(pipeline) for pipeline in pipelines]
    )


def _seconds(text: str) -> float:
    return parse_duration(text, what="older than", longest=MAX_SECONDS)


def _parse_state(text: str | None) -> PipelineState | None:
    if text is None:
        return None
    if text not in ACTIVE_STATES:
        raise InvalidInput(f"state: {text[:40]!a} is neither {' nor '.join(ACTIVE_STATES)}")
    return PipelineState(text)


@app.command(epilog=examples("lakehook pipelines show 39", "lakehook pipelines show staging/39"))
def show(
    pipeline: PipelineId, *, source: OfSource = None, utc: Utc = False, call: CommandCall
) -> None:
    """Show the events of a pipeline, and each subscriber's progress."""
    service = call.service
    view = PipelineReportView.from_report(service.show_pipeline(pipeline, source=source))
    tables = {"events": _EVENTS, "not_sent": _UNSENT, "subscribers": _PLACES}
    print_document(call.output, view, tables=tables, now=None if utc else service.clock.now())


@app.command(epilog=examples("lakehook pipelines send 39 --subscription ci"))
def send(
    pipeline: PipelineId, *, subscription: Receiving, source: OfSource = None, call: CommandCall
) -> None:
    """Send the events of one pipeline to one subscription, in order, marked replayed.

    Those that it has had go out again by the same ids; those that wait are left alone.
    """
    service = call.service
    key = parse_pipeline_key(pipeline, source=source)
    target = service.find_subscription(subscription)
    sent = SentPipelineView.from_result(key, target, service.send_pipeline(key, target))
    deliveries = counted(sent.sent, "delivery goes", "deliveries go")
    note = f"{deliveries} to {target.name}; {sent.waiting} waited anyway"
    print_document(call.output, sent, note=note)


def _project(pipeline: PipelineView) -> str:
    """Print the project separately: a long one would push other columns off the screen."""
    return truncate(pipeline.project_name or NONE, MAX_PROJECT_WIDTH)


_UNENDED = Table(
    {
        "PIPELINE": lambda view: join_pipeline_key(view.source, view.pipeline_id),
        "STATE": "state",
        "SINCE": "since",
        "FOR": lambda view: format_duration(view.seconds),
        "ROUND": "round",
        "PROJECT": _project,
        "STALL TOLD": "stalled",
    },
    "no such pipelines",
)
_EVENTS = Table(
    {
        "#": "sequence",
        "EVENT TYPE": lambda view: f"{view.event_type}{' (inferred)' if view.inferred else ''}",
        "TIMESTAMP": "timestamp",
        "ACCEPTED": "accepted_at",
    },
    "no events",
)
_PLACES = Table(
    {
        "SUBSCRIBER": lambda view: view.name or view.subscription_id,
        "STATE": "state",
        "LAST DELIVERED": "last_delivered",
        "WAITING": "waiting",
        "DEAD": "dead",
    },
    "no subscriber has received it yet",
)
_UNSENT = Table(
    {
        "NOT SENT": "event_type",
        "TIMESTAMP": "timestamp",
        "ACCEPTED": "accepted_at",
        "BECAUSE": "reason",
    },
    "none was skipped",
)
