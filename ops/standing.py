"""``lakehook subscriptions pause|resume|enable|remove``: whether its deliveries go out."""

import typer

from lakehook.desk.subscription_facts import facts, removal_facts
from ops.answers import answer
from ops.desk import desk_of
from ops.options import STACK, TEXT, AnswerAs, DiscardWaiting, Id, Stack, examples

app = typer.Typer(rich_markup_mode=None)


@app.command(epilog=examples("lakehook subscriptions pause ci"))
def pause(
    context: typer.Context, subscription: Id, output: AnswerAs = TEXT, stack: Stack = STACK
) -> None:
    """Let deliveries wait in the ledger, in order, until it is resumed."""
    desk = desk_of(context, stack)
    answer(output, facts(desk.pause(desk.look_up(subscription))))


@app.command(epilog=examples("lakehook subscriptions resume ci"))
def resume(
    context: typer.Context, subscription: Id, output: AnswerAs = TEXT, stack: Stack = STACK
) -> None:
    """Let a paused subscription go on, some six hundred lanes a minute."""
    desk = desk_of(context, stack)
    resumed, lanes = desk.unpause(desk.look_up(subscription))
    answer(output, {**facts(resumed), "lanes_woken": lanes})


@app.command(epilog=examples("lakehook subscriptions enable ci"))
def enable(
    context: typer.Context, subscription: Id, output: AnswerAs = TEXT, stack: Stack = STACK
) -> None:
    """Let a subscription that was disabled go on, some six hundred lanes a minute."""
    desk = desk_of(context, stack)
    enabled, lanes = desk.enable(desk.look_up(subscription))
    answer(output, {**facts(enabled), "lanes_woken": lanes})


@app.command(
    epilog=examples(
        "lakehook subscriptions remove ci",
        "lakehook subscriptions remove ci --discard-waiting",
    )
)
def remove(
    context: typer.Context,
    subscription: Id,
    *,
    discard_waiting: DiscardWaiting = False,
    output: AnswerAs = TEXT,
    stack: Stack = STACK,
) -> None:
    """Remove a subscription; refused while deliveries wait for it or are dead letters.

    Said again, with its id, it finishes what a removal that broke off has left.
    """
    desk = desk_of(context, stack)
    answer(output, removal_facts(*desk.remove(subscription, discard_waiting=discard_waiting)))
