"""``lakehook replay``: what was sent, or missed, goes out once more."""

from typing import Annotated

import typer

from lakehook.desk.replay_facts import replay_facts, tally_facts
from lakehook.domain.moment import FORMS
from lakehook.domain.replay import Replay, State, Terms, Wanted, Wish
from lakehook.domain.subscription import Subscription
from lakehook.find_letters import Choice
from ops.answers import Output, answer
from ops.desk import Desk, desk_of
from ops.options import STACK, TEXT, AnswerAs, Stack, examples
from ops.progress import counting
from ops.replay_facts import BY_TYPE
from ops.terminal import write

STOPPED = 1  # the exit code
_USUAL = Wish(since="")

EXAMPLES = examples(
    "lakehook replay --subscription ci --since 2h --dry-run",
    "lakehook replay --subscription ci --since 7d --until 2h --status dead --rate 20/m",
)

Of = Annotated[
    str, typer.Option("--subscription", metavar="ID", help="To this one, by id or by name.")
]
Since = Annotated[
    str,
    typer.Option("--since", metavar="TIME", help=f"What was accepted since: {FORMS}."),
]
Until = Annotated[
    str, typer.Option("--until", metavar="TIME", help=f"And until then; now if not said. {FORMS}.")
]
EventTypes = Annotated[
    list[str] | None,
    typer.Option("--event-type", metavar="TYPE", help="Of what it wants only this; repeatable."),
]
StatusName = Annotated[
    str,
    typer.Option(
        "--status",
        metavar="|".join(Wanted),
        help="Deliveries that stand like this; any but waiting.",
    ),
]
RateText = Annotated[
    str, typer.Option("--rate", metavar="N/s|m|h", help="So many deliveries in that time at most.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Count, and send nothing.")]


def replay(  # noqa: PLR0913  each is an option
    context: typer.Context,
    *,
    subscription: Of,
    since: Since,
    until: Until = _USUAL.until,
    event_types: EventTypes = None,
    status: StatusName = _USUAL.status,
    rate: RateText = _USUAL.rate,
    dry_run: DryRun = False,
    output: AnswerAs = TEXT,
    stack: Stack = STACK,
) -> None:
    """Send again what was accepted since then, in order, by the same ids, marked replayed.

    It goes on without this command, and said again this command goes on with it. What waits
    anyway is not sent twice; what is new waits behind. Exit code 1 says that it was stopped.
    """
    wish = Wish(
        since=since, until=until, event_types=tuple(event_types or ()), status=status, rate=rate
    )
    desk = desk_of(context, stack)
    found = desk.look_up(subscription)
    terms = desk.start_replay.terms(wish, found)
    if dry_run:
        _count(desk, found, terms, output)
    else:
        _replay(desk, found, terms, output)


def _count(desk: Desk, subscription: Subscription, terms: Terms, output: Output) -> None:
    with counting("counting") as told:
        tally = desk.count_replay(terms, subscription, told=told)
    document = tally_facts(tally, terms, subscription)
    by_type = BY_TYPE.of(sorted(tally.by_type.items()))
    answer(output, document, sections={"event_types": by_type}, note="nothing is sent yet")


def _replay(desk: Desk, subscription: Subscription, terms: Terms, output: Output) -> None:
    letters = desk.find_letters(Choice(subscription_id=subscription.id))
    with counting("counting") as told:
        started = desk.start_replay(subscription, terms, told=told)
    if output is Output.TEXT:
        _tell(started.replay, attached=started.attached)
    ended = _follow(desk, started.replay)
    desk.tidy_copies(letters)
    document = replay_facts(ended) | {"attached": started.attached}
    answer(output, document, note=_note_on(ended) if ended.sent else "")
    if ended.state is State.STOPPED:
        raise typer.Exit(STOPPED)


def _note_on(replay: Replay) -> str:
    """Sent is lined up: what became of it the lanes tell."""
    of = replay.subscription_id
    return f"what has not gone out yet: lakehook lanes list --subscription {of}"


def _follow(desk: Desk, replay: Replay) -> Replay:
    with counting("replaying", total=replay.matched) as sent:
        return desk.follow_replay(replay, sent=sent)


def _tell(replay: Replay, *, attached: bool) -> None:
    """Whoever leaves now knows how it is called."""
    is_, matched = "is open already" if attached else "has begun", replay.matched
    of = (
        "" if matched is None else f" with {matched} {'delivery' if matched == 1 else 'deliveries'}"
    )
    write(f"replay {replay.id} {is_}{of}; it goes on without this command", err=True)
