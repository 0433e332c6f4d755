"""Dead letters: redrive and discard them, by id or by common properties."""

from collections.abc import Sequence
from math import inf

from flask import Blueprint, request, url_for

from lakehook.console.actions import ConsoleAction, Page, confirm
from lakehook.console.context import command_line, service, translator
from lakehook.dead_letters import DeadLetterSelector
from lakehook.domain.errors import InvalidInput, NotFound
from lakehook.domain.lane import DeliveryRecord
from lakehook.domain.subscription import Ordering, Subscription

PAGES = Blueprint("dead_letters", __name__, url_prefix="/dead-letters")


@PAGES.route("/redrive", methods=["GET", "POST"])
def redrive() -> Page:
    subscription, letters = _chosen()
    t = translator()
    action = ConsoleAction(
        title=t("Redrive dead letters of {name}", name=subscription.name),
        effects=[
            t.plural(
                "{n} letter goes back with a fresh budget of attempts, and is tried at once.",
                "{n} letters go back with a fresh budget of attempts, and are tried at once.",
                len(letters),
            ),
            _following(subscription, letters),
        ],
        command=_command("redrive", letters),
        button=t.plural("Redrive {n} letter", "Redrive {n} letters", len(letters)),
        back=_back(subscription, letters),
        as_of=_newest(letters),
    )

    def act() -> str:
        service().redrive(letters)
        return t.plural("{n} letter goes back.", "{n} letters go back.", len(letters))

    return confirm(action, act)


@PAGES.route("/discard", methods=["GET", "POST"])
def discard() -> Page:
    subscription, letters = _chosen()
    t = translator()
    action = ConsoleAction(
        title=t("Discard dead letters of {name}", name=subscription.name),
        effects=[
            t.plural(
                "{n} letter is given up for good: {name} never gets it.",
                "{n} letters are given up for good: {name} never gets them.",
                len(letters),
                name=subscription.name,
            ),
            t("What waits behind each in its pipeline goes on; the sequence shows the gap."),
        ],
        command=_command("discard", letters),
        button=t.plural("Discard {n} letter", "Discard {n} letters", len(letters)),
        back=_back(subscription, letters),
        is_danger=True,
        as_of=_newest(letters),
    )

    def act() -> str:
        done = service().discard(letters)
        return t.plural("{n} letter is discarded.", "{n} letters are discarded.", len(done))

    return confirm(action, act)


def _following(subscription: Subscription, letters: Sequence[DeliveryRecord]) -> str:
    """Return the effect on the deliveries behind them."""
    t = translator()
    if subscription.ordering is not Ordering.STRICT:
        return t(
            "Each goes next in its pipeline, marked late; later events have gone out before it."
        )
    number = service().find_dead_letters.count_behind(letters)
    if number is None:
        return t("What waits behind each in its pipeline follows it, in order.")
    return t.plural(
        "{n} delivery that waits behind follows, in order.",
        "{n} deliveries that wait behind follow, in order.",
        number,
    )


def _chosen() -> tuple[Subscription, Sequence[DeliveryRecord]]:
    """Return the selection: one by its id, or those of a subscription, optionally of one reason."""
    if delivery_id := request.args.get("id"):
        letters = service().find_dead_letters(DeadLetterSelector(ids=[delivery_id]))
        subscription_id = letters[0].lane.subscription_id
        return service().find_subscription(subscription_id, removed=True), letters
    reference = request.args.get("subscription")
    if not reference:
        raise InvalidInput("dead letters: choose one by its id, or those of a subscription")
    subscription = service().find_subscription(reference, removed=True)
    selected = service().find_dead_letters(
        DeadLetterSelector(subscription_id=subscription.id, reason=request.args.get("reason"))
    )
    as_of = request.form.get("as_of", inf, type=float)
    letters = [letter for letter in selected if letter.changed_at <= as_of]
    if not letters:
        raise NotFound(f"{subscription.name} has no such dead letters (any more)")
    return subscription, letters


def _newest(letters: Sequence[DeliveryRecord]) -> float:
    """Return when the last of them died: one that dies after the page was shown is left alone."""
    return max(letter.changed_at for letter in letters)


def _command(verb: str, letters: Sequence[DeliveryRecord]) -> str:
    if "id" in request.args:
        return command_line("dead-letters", verb, letters[0].id)
    reason = request.args.get("reason")
    words = ["--subscription", request.args["subscription"]]
    words += ["--reason", reason] if reason else []
    return command_line("dead-letters", verb, *words, "--yes")


def _back(subscription: Subscription, letters: Sequence[DeliveryRecord]) -> str:
    if "id" in request.args:
        return url_for("deliveries.show", delivery_id=letters[0].id)
    return url_for("subscriptions.dead_letters", reference=subscription.id)
