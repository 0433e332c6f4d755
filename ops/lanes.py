"""``lakehook lanes``: what is held, at what, and until when."""

import typer

from ops.answers import answer_all
from ops.delivery_facts import LANES
from ops.desk import desk_of
from ops.options import STACK, TEXT, AnswerAs, Held, OfSubscription, Stack, examples

app = typer.Typer(rich_markup_mode=None, help="What is held, at what, and until when.")


@app.callback()
def lanes() -> None:
    """Keep ``list`` a command of its own: typer would merge it into a group of one."""


@app.command(
    "list",
    epilog=examples(
        "lakehook lanes list --held", "lakehook lanes list --held --subscription ci --output json"
    ),
)
def list_(
    context: typer.Context,
    *,
    held: Held = False,  # noqa: ARG001  said for clearness: a lane that flows has no record
    subscription: OfSubscription = None,
    output: AnswerAs = TEXT,
    stack: Stack = STACK,
) -> None:
    """Show held lanes: the head that nothing overtakes, and how many wait behind it."""
    desk = desk_of(context, stack)
    asked = desk.look_up(subscription, removed=True) if subscription is not None else None
    answer_all(output, LANES.of(desk.list_lanes(asked)))
