"""``lakehook dead-letters``: what was given up on, and what is to become of it."""

from collections.abc import Callable, Sequence

import typer

from lakehook.desk.delivery_facts import letter_facts
from lakehook.domain.errors import NotFound
from lakehook.domain.lane import DeliveryRecord
from lakehook.find_letters import Choice, is_one_choice
from ops.answers import Output, answer, answer_all
from ops.delivery_facts import ATTEMPTS, LETTERS
from ops.desk import Desk, desk_of
from ops.options import (
    STACK,
    TEXT,
    AnswerAs,
    DeliveryId,
    DeliveryIds,
    Every,
    OfSubscription,
    Reason,
    Stack,
    Yes,
    examples,
)
from ops.progress import counting

app = typer.Typer(rich_markup_mode=None, help="What was given up on, and what is to become of it.")


@app.command(
    "list",
    epilog=examples(
        "lakehook dead-letters list", "lakehook dead-letters list --subscription ci --reason gone"
    ),
)
def list_(
    context: typer.Context,
    *,
    subscription: OfSubscription = None,
    reason: Reason = None,
    output: AnswerAs = TEXT,
    stack: Stack = STACK,
) -> None:
    """Show dead letters, by the ledger: also those that the queue has lost."""
    desk = desk_of(context, stack)
    choice = _choice(desk, (), subscription, reason)
    answer_all(output, LETTERS.of(desk.find_letters(choice)))


@app.command(epilog=examples("lakehook dead-letters show sub_0123#39#2"))
def show(
    context: typer.Context, delivery: DeliveryId, output: AnswerAs = TEXT, stack: Stack = STACK
) -> None:
    """Show one dead letter, the attempts that were made, and its event."""
    (letter,) = desk_of(context, stack).find_letters(Choice(ids=[delivery]))
    if letter.delivery is None:
        raise NotFound(f"{delivery}: its event is not known")
    document = {**letter_facts(letter), "event": letter.delivery.event.document}
    answer(output, document, sections={"log": ATTEMPTS.of(letter.log)})


@app.command(
    epilog=examples(
        "lakehook dead-letters redrive sub_0123#39#2",
        "lakehook dead-letters redrive --subscription ci --yes",
    )
)
def redrive(  # noqa: PLR0913  each is an option
    context: typer.Context,
    *,
    deliveries: DeliveryIds = None,
    subscription: OfSubscription = None,
    reason: Reason = None,
    every: Every = False,
    yes: Yes = False,
    output: AnswerAs = TEXT,
    stack: Stack = STACK,
) -> None:
    """Send dead letters again, each before what waits behind it, with a fresh budget."""
    _refuse_two_minds(deliveries, subscription, reason, every=every)
    desk = desk_of(context, stack)

    def act(letters: Sequence[DeliveryRecord]) -> Sequence[DeliveryRecord]:
        with counting("redriving", total=len(letters)) as told:
            desk.redrive(letters, told=told)
        return letters

    letters = desk.find_letters(_choice(desk, deliveries or (), subscription, reason))
    _act_or_ask(output, "redrive", letters, act, yes=yes)


@app.command(
    epilog=examples(
        "lakehook dead-letters discard sub_0123#39#2",
        "lakehook dead-letters discard --reason gone --yes",
    )
)
def discard(  # noqa: PLR0913  each is an option
    context: typer.Context,
    *,
    deliveries: DeliveryIds = None,
    subscription: OfSubscription = None,
    reason: Reason = None,
    every: Every = False,
    yes: Yes = False,
    output: AnswerAs = TEXT,
    stack: Stack = STACK,
) -> None:
    """Give dead letters up for good; what waits behind them goes on."""
    _refuse_two_minds(deliveries, subscription, reason, every=every)
    desk = desk_of(context, stack)

    def act(letters: Sequence[DeliveryRecord]) -> Sequence[DeliveryRecord]:
        with counting("discarding", total=len(letters)) as told:
            return desk.discard(letters, told=told)

    letters = desk.find_letters(_choice(desk, deliveries or (), subscription, reason))
    _act_or_ask(output, "discard", letters, act, yes=yes)


def _refuse_two_minds(
    ids: Sequence[str] | None, subscription: str | None, reason: str | None, *, every: bool
) -> None:
    if not is_one_choice(ids, subscription, reason, every=every):
        raise typer.BadParameter("give IDs, or --subscription and --reason, or --all alone")


def _choice(desk: Desk, ids: Sequence[str], subscription: str | None, reason: str | None) -> Choice:
    return Choice(ids=ids, subscription_id=desk.id_of(subscription), reason=reason)


def _act_or_ask(
    output: Output,
    action: str,
    letters: Sequence[DeliveryRecord],
    act: Callable[[Sequence[DeliveryRecord]], Sequence[DeliveryRecord]],
    *,
    yes: bool,
) -> None:
    """One letter is what was meant; more than one need a yes."""
    would = len(letters) > 1 and not yes
    acted = letters if would else act(letters)
    answer(
        output,
        {"action": action, "would": would, "number": len(acted)},
        sections={"dead_letters": LETTERS.of(acted)},
        note="nothing is done yet; --yes does it" if would else "",
    )
