"""``lakehook subscriptions preview|test|match``: try a subscription before events arrive."""

from typing import Annotated

import typer

from lakehook.cli.commands.events import events_in
from lakehook.cli.commands.subscription_secrets import NewSecrets, print_created
from lakehook.cli.context import CommandService
from lakehook.cli.inputs import bounded
from lakehook.cli.options import CommandCall, CommandGroup, EventsFile, Id, examples
from lakehook.cli.output import (
    Output,
    Table,
    print_document,
    print_listing,
    print_result,
    wait_for_enter,
    write,
)
from lakehook.dead_letters import DeadLetterSelector
from lakehook.domain.delivery import Delivery
from lakehook.domain.errors import InvalidEvent, InvalidInput
from lakehook.domain.event import MAX_EVENT_BYTES, Event, EventType, join_pipeline_key
from lakehook.domain.json_document import parse_json_object
from lakehook.domain.sample import sample_event
from lakehook.domain.subscription import Subscription, parse_event_types
from lakehook.operations.views.subscriptions import (
    CreatedSubscriptionView,
    MatchView,
    PingReportView,
    PreviewResultView,
)
from lakehook.subscriptions.preview import match as match_events

NOT_TAKEN = 1  # the exit code
WAIT_SECONDS = 30.0

app = CommandGroup()

Challenge = Annotated[
    bool,
    typer.Option("--challenge", help="No events before its endpoint has echoed a challenge."),
]
Wait = Annotated[
    float,
    typer.Option(
        "--wait", metavar="SECONDS", min=1, max=300, help="Time to wait for the response."
    ),
]

OfType = Annotated[
    str | None,
    typer.Option(
        "--event-type",
        metavar="TYPE",
        help=f"Type of the sample event; default: {EventType.PIPELINE_COMPLETED}.",
    ),
]
EventFile = Annotated[
    typer.FileBinaryRead | None,
    typer.Option("--file", metavar="FILE", help="Your own event, as JSON; - is standard input."),
]

DeadLetter = Annotated[
    str | None,
    typer.Option(
        "--dead-letter", metavar="ID", help="The event of one of its dead letters: ci#39#2."
    ),
]


@app.command(
    "test",
    epilog=examples("lakehook subscriptions test ci", "lakehook subscriptions test ci --wait 60"),
)
def ping(subscription: Id, *, wait: Wait = WAIT_SECONDS, call: CommandCall) -> None:
    """Send a signed PING and show the response; exit code 1 says that it was not accepted.

    A pending subscription gets a challenge, and is active once its endpoint has echoed it.
    """
    service = call.service
    target = service.find_subscription(subscription)
    after, result = service.test_endpoint(target, within_seconds=wait)
    report = PingReportView.from_ping(after, result, wait)
    names = ("outcome", "status", "milliseconds", "answer", "hint")
    shown = [name for name in names if getattr(report, name) is not None]
    print_result(call.output, report, shown=shown, note=_verdict(report))
    _exit_unless_taken(report)


def challenge(
    new: NewSecrets, subscription: Subscription, view: CreatedSubscriptionView, output: Output
) -> None:
    """Show a new subscription with its secret, then challenge its endpoint, which may verify.

    At a terminal there is time to give the secret to the receiver.
    """
    with new.shown():
        print_created(output, view)
    if view.secret or view.public_key:
        wait_for_enter("Give the receiver its key, then press Enter to challenge it.")
    after, result = new.service.test_endpoint(subscription, within_seconds=WAIT_SECONDS)
    report = PingReportView.from_ping(after, result, WAIT_SECONDS)
    write(f"{_verdict(report)}; {report.hint or 'it is active'}", err=output is Output.JSON)
    _exit_unless_taken(report)


def _verdict(report: PingReportView) -> str:
    if report.outcome is None:
        return f"{report.name} has not answered"
    answer = f"{report.status or report.outcome} in {report.milliseconds} ms"
    return f"{report.name} {'took it' if report.is_taken else 'did not take it'}: {answer}"


def _exit_unless_taken(report: PingReportView) -> None:
    if not report.is_taken:
        raise typer.Exit(NOT_TAKEN)


@app.command(
    epilog=examples(
        "lakehook subscriptions match ci --file events.jsonl",
        "lakehook subscriptions match ci --file - --output json < events.jsonl",
    )
)
def match(subscription: Id, *, file: EventsFile, call: CommandCall) -> None:
    """Show which events of a file match, and why others do not; sends none."""
    target = call.service.find_subscription(subscription)
    matches = [MatchView.from_match(tried) for tried in match_events(target, events_in(file))]
    print_listing(call.output, _MATCHES, matches)


_MATCHES = Table(
    {
        "GOES OUT": "matches",
        "PIPELINE": lambda view: join_pipeline_key(view.source, view.pipeline_id),
        "EVENT TYPE": "event_type",
        "EVENT ID": "event_id",
        "WHY NOT": "reason",
    },
    "no events",
)


@app.command(
    epilog=examples(
        "lakehook subscriptions preview ci --event-type PIPELINE_FAILED",
        "lakehook subscriptions preview ci --file event.json",
        "lakehook subscriptions preview ci --dead-letter ci#39#2",
    )
)
def preview(
    subscription: Id,
    *,
    event_type: OfType = None,
    file: EventFile = None,
    dead_letter: DeadLetter = None,
    call: CommandCall,
) -> None:
    """Show what would be sent for an event, and send nothing.

    It warns of fields that the template uses and the event does not have: they are empty. Exit code
    1 says that the template fails on it: such a delivery would be a dead letter.
    """
    if dead_letter and (file or event_type):
        raise typer.BadParameter("a dead letter has its event", param_hint="--dead-letter")
    service = call.service
    target = service.find_subscription(subscription)
    if dead_letter:
        shown = service.preview.of_delivery(_dead_delivery(service, target, dead_letter), target)
    else:
        shown = service.preview(target, _event(file, event_type))
    previewed = PreviewResultView.from_preview(shown)
    if call.output is Output.JSON:
        print_document(call.output, previewed)
        return
    write(_report(previewed))
    for warning in previewed.warnings:
        write(f"warning: {warning}", err=True)


def _dead_delivery(service: CommandService, target: Subscription, reference: str) -> Delivery:
    delivery_id = service.resolve_delivery(reference)
    (found,) = service.find_dead_letters(DeadLetterSelector(ids=[delivery_id]))
    if found.lane.subscription_id != target.id:
        raise InvalidInput(f"dead letter: {reference[:80]!a} is not one of {target.name}")
    assert found.delivery, f"{delivery_id} is dead without its event"
    return found.delivery


def _event(file: typer.FileBinaryRead | None, event_type: str | None) -> Event:
    if file is None:
        (checked,) = parse_event_types([event_type or EventType.PIPELINE_COMPLETED])
        return sample_event(checked)
    if event_type is not None:
        raise typer.BadParameter("an event of your own has one", param_hint="--event-type")
    try:
        text = bounded(file, what="event", limit=MAX_EVENT_BYTES).decode("utf-8-sig")
        return Event.from_document(parse_json_object(text))
    except ValueError as error:
        raise InvalidEvent(str(error)) from None


def _report(previewed: PreviewResultView) -> str:
    """Format like a request: headers, an empty line, and the body."""
    subject = [] if previewed.subject is None else [f"subject: {previewed.subject}"]
    headers = [f"{name}: {value}" for name, value in previewed.headers.items()]
    html = [] if previewed.html is None else ["", previewed.html]
    return "\n".join([*subject, *headers, "", previewed.body, *html])
