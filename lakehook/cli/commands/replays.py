"""``lakehook replay`` and ``lakehook replays``: send past events again, follow, and stop."""

from typing import Annotated

import typer

from lakehook.cli.context import CommandService
from lakehook.cli.options import CommandCall, CommandGroup, examples
from lakehook.cli.output import (
    BY_TYPE,
    Output,
    Table,
    print_document,
    print_listing,
    progress_counter,
    write,
)
from lakehook.dead_letters import DeadLetterSelector
from lakehook.domain.replay import (
    DeliveryFilter,
    Replay,
    ReplayCriteria,
    ReplayRequest,
    ReplayState,
)
from lakehook.domain.subscription import Subscription
from lakehook.domain.time import FORMS
from lakehook.operations.views.replays import ReplayCountView, ReplayStartedView, ReplayView

STOPPED = 1  # the exit code
_USUAL = ReplayRequest(since="")

REPLAY_EXAMPLES = examples(
    "lakehook replay --subscription ci --since 2h --dry-run",
    "lakehook replay --subscription ci --since 7d --until 2h --status dead --rate 20/m",
)

Of = Annotated[
    str, typer.Option("--subscription", metavar="ID", help="The subscription, by id or name.")
]
Since = Annotated[
    str,
    typer.Option("--since", metavar="TIME", help=f"Events accepted since: {FORMS}."),
]
Until = Annotated[
    str, typer.Option("--until", metavar="TIME", help=f"And until then; default: now. {FORMS}.")
]
EventTypes = Annotated[
    list[str] | None,
    typer.Option(
        "--event-type", metavar="TYPE", help="Only this one of its event types; repeatable."
    ),
]
StatusName = Annotated[
    str,
    typer.Option(
        "--status",
        metavar="|".join(DeliveryFilter),
        help="Deliveries with this status; any but waiting.",
    ),
]
RateText = Annotated[
    str, typer.Option("--rate", metavar="N/s|m|h", help="Rate limit of the deliveries.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Count without sending.")]

app = CommandGroup(help="Replays: progress, and stopping one.")

ReplayId = Annotated[str, typer.Argument(metavar="ID", help="The replay's id: rpl_….")]


def replay(  # noqa: PLR0913  each is an option
    *,
    subscription: Of,
    since: Since,
    until: Until = _USUAL.until,
    event_types: EventTypes = None,
    status: StatusName = _USUAL.status,
    rate: RateText = _USUAL.rate,
    dry_run: DryRun = False,
    call: CommandCall,
) -> None:
    """Send accepted events again, in order, with the same ids, marked replayed.

    The replay runs on the server. Running the command again attaches to it. Waiting deliveries are
    not sent twice; new events wait behind. Exit code 1 says that the replay was stopped.
    """
    request = ReplayRequest(
        since=since, until=until, event_types=tuple(event_types or ()), status=status, rate=rate
    )
    service = call.service
    target = service.find_subscription(subscription)
    criteria = service.start_replay.criteria(request, target)
    if dry_run:
        _count(service, target, criteria, call.output)
    else:
        _replay(service, target, criteria, call.output)


def _count(
    service: CommandService, subscription: Subscription, criteria: ReplayCriteria, output: Output
) -> None:
    with progress_counter("counting") as on_progress:
        count = service.count_replay(criteria, subscription, on_progress=on_progress)
    view = ReplayCountView.from_count(count, criteria, subscription)
    print_document(output, view, tables={"event_types": BY_TYPE}, note="nothing is sent yet")


def _replay(
    service: CommandService, subscription: Subscription, criteria: ReplayCriteria, output: Output
) -> None:
    letters = service.find_dead_letters(DeadLetterSelector(subscription_id=subscription.id))
    with progress_counter("counting") as on_progress:
        started = service.start_replay(subscription, criteria, on_progress=on_progress)
    if output is Output.TEXT:
        _print_start(started.replay, attached=started.already_running)
    ended = _follow(service, started.replay)
    service.delete_stale_copies(letters)
    view = ReplayStartedView.from_replay(
        ended, service.subscriptions_by_id(), already_running=started.already_running
    )
    print_document(output, view, note=_note_on(ended) if ended.sent else "")
    if ended.state is ReplayState.STOPPED:
        raise typer.Exit(STOPPED)


def _note_on(replay: Replay) -> str:
    """Return a note: sent deliveries are enqueued, and lanes show the rest."""
    of = replay.subscription_id
    return f"what has not gone out yet: lakehook lanes list --subscription {of}"


def _follow(service: CommandService, replay: Replay) -> Replay:
    with progress_counter("replaying", total=replay.matched) as sent:
        return service.follow_replay(replay, sent=sent)


def _print_start(replay: Replay, *, attached: bool) -> None:
    """Print the replay's id, for an operator who leaves now."""
    is_, matched = "is open already" if attached else "has begun", replay.matched
    of = (
        "" if matched is None else f" with {matched} {'delivery' if matched == 1 else 'deliveries'}"
    )
    write(f"replay {replay.id} {is_}{of}; it continues without this command", err=True)


_REPLAYS = Table(
    {
        "ID": "replay_id",
        "SUBSCRIPTION": lambda view: view.subscription_name or view.subscription_id,
        "STATE": lambda view: f"{view.state} ({view.reason})" if view.reason else view.state,
        "SENT": "sent",
        "OF": "matched",
        "RATE": "rate",
        "STARTED AT": "started_at",
    },
    "no replays",
)


@app.command("list", epilog=examples("lakehook replays list"))
def list_(*, call: CommandCall) -> None:
    """Show every replay of the last 60 days, the latest first."""
    service = call.service
    replays, owners = service.replays.all(), service.subscriptions_by_id()
    print_listing(
        call.output, _REPLAYS, [ReplayView.from_replay(replay, owners) for replay in replays]
    )


@app.command(epilog=examples("lakehook replays show rpl_0123"))
def show(replay: ReplayId, *, call: CommandCall) -> None:
    """Show a replay's request, and its progress.

    Done means that all its deliveries were enqueued; sent counts them.
    """
    service = call.service
    print_document(call.output, _view(service, service.replays(replay)))


@app.command(epilog=examples("lakehook replays stop rpl_0123"))
def stop(replay: ReplayId, *, call: CommandCall) -> None:
    """Stop a replay; enqueued deliveries are still sent."""
    service = call.service
    print_document(call.output, _view(service, service.stop_replay(replay)))


def _view(service: CommandService, replay: Replay) -> ReplayView:
    return ReplayView.from_replay(replay, service.subscriptions_by_id())
