"""``lakehook subscriptions test``: is the endpoint there, and what does it say?"""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from lakehook.desk.asked import Asked
from lakehook.domain.subscription import Subscription
from ops.answers import Output, answer
from ops.desk import Desk, desk_of
from ops.options import STACK, TEXT, AnswerAs, Id, Stack, examples
from ops.rotation import note_on

NOT_TAKEN = 1  # the exit code
WAIT_SECONDS = 30.0

app = typer.Typer(rich_markup_mode=None)

Challenge = Annotated[
    bool,
    typer.Option(
        "--challenge", help="No event goes to it before its endpoint has echoed a challenge."
    ),
]
Wait = Annotated[
    float,
    typer.Option("--wait", metavar="SECONDS", min=1, max=300, help="For the answer, so long."),
]


@app.command(
    "test",
    epilog=examples("lakehook subscriptions test ci", "lakehook subscriptions test ci --wait 60"),
)
def ping(
    context: typer.Context,
    subscription: Id,
    *,
    wait: Wait = WAIT_SECONDS,
    output: AnswerAs = TEXT,
    stack: Stack = STACK,
) -> None:
    """Send a signed PING and show the answer; exit code 1 says that it was not taken.

    One that is pending is sent a challenge, and is active once its endpoint has echoed it.
    """
    desk = desk_of(context, stack)
    asked = ask(desk, desk.look_up(subscription), wait)
    answer(output, asked.facts)
    _exit_unless_taken(asked)


def challenge(
    desk: Desk, subscription: Subscription, *, told: Mapping[str, Any], output: Output
) -> None:
    """Ask a new one, and answer with it and its secret, whatever comes of that."""
    asked = Asked(subscription)
    try:
        asked = ask(desk, subscription)
    finally:  # Ctrl-C too: the secret is shown now or never
        answer(output, {**asked.facts, **told}, note=note_on(told["secret"]))
    _exit_unless_taken(asked)


def ask(desk: Desk, subscription: Subscription, wait_seconds: float = WAIT_SECONDS) -> Asked:
    """A challenge to one that is pending, else a ping."""
    after, pong = desk.ask(subscription, within_seconds=wait_seconds)
    return Asked(after, pong, wait_seconds)


def _exit_unless_taken(asked: Asked) -> None:
    if not asked.is_taken:
        raise typer.Exit(NOT_TAKEN)
