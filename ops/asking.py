"""``lakehook subscriptions test``: is the endpoint there, and what does it say?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from lakehook.domain.ping import Pong
from lakehook.domain.subscription import Subscription
from ops.answers import Output, answer
from ops.desk import Desk, desk_of
from ops.options import STACK, TEXT, AnswerAs, Id, Stack, examples
from ops.rotation import note_on
from ops.subscription_facts import facts

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
    answer(output, facts(asked.subscription) | asked.facts)
    asked.exit_unless_taken()


@dataclass(frozen=True)
class Asked:
    """What came of a question, and how the subscription stands after it."""

    subscription: Subscription
    pong: Pong | None = None
    waited_seconds: float | None = None  # none: it was broken off

    @property
    def facts(self) -> dict[str, Any]:
        attempt = self.pong.attempt if self.pong else None
        return {
            "outcome": attempt and str(attempt.outcome),
            "status": attempt and attempt.status,
            "milliseconds": attempt and attempt.milliseconds,
            "answer": attempt and (attempt.excerpt or None),
            "hint": self._hint,
        }

    @property
    def _hint(self) -> str | None:
        if self.waited_seconds is None:
            return "it was broken off; try again: lakehook subscriptions test ID"
        if self.pong is None:
            return f"nothing within {self.waited_seconds:g} s: does the delivery function run?"
        if self.subscription.is_pending and self.pong.attempt.outcome.is_success:
            return "the answer is not the challenge; try again: lakehook subscriptions test ID"
        return None

    def exit_unless_taken(self) -> None:
        taken = self.pong is not None and self.pong.attempt.outcome.is_success
        if not taken or self.subscription.is_pending:
            raise typer.Exit(NOT_TAKEN)


def challenge(
    desk: Desk, subscription: Subscription, *, told: Mapping[str, Any], output: Output
) -> None:
    """Ask a new one, and answer with it and what is told of it, whatever comes of that."""
    asked = Asked(subscription)
    try:
        asked = ask(desk, subscription)
    finally:  # Ctrl-C too: the secret is shown now or never
        document = facts(asked.subscription) | dict(told) | asked.facts
        answer(output, document, note=note_on(told["secret"]))
    asked.exit_unless_taken()


def ask(desk: Desk, subscription: Subscription, wait_seconds: float = WAIT_SECONDS) -> Asked:
    """A challenge to one that is pending, else a ping."""
    after, pong = desk.ask(subscription, within_seconds=wait_seconds)
    return Asked(after, pong, wait_seconds)
