"""``lakehook subscriptions pause|resume|enable``: whether its deliveries go out."""

import typer

from ops.answers import answer
from ops.desk import desk_of
from ops.options import STACK, TEXT, AnswerAs, Id, Stack, examples
from ops.subscription_facts import facts

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
    """Let a paused subscription go on, ten lanes a second."""
    desk = desk_of(context, stack)
    resumed, lanes = desk.unpause(desk.look_up(subscription))
    answer(output, {**facts(resumed), "lanes_woken": lanes})


@app.command(epilog=examples("lakehook subscriptions enable ci"))
def enable(
    context: typer.Context, subscription: Id, output: AnswerAs = TEXT, stack: Stack = STACK
) -> None:
    """Let a subscription that was disabled go on, ten lanes a second."""
    desk = desk_of(context, stack)
    enabled, lanes = desk.enable(desk.look_up(subscription))
    answer(output, {**facts(enabled), "lanes_woken": lanes})
