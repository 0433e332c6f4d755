"""``lakehook dead-letters``: list, redrive and discard dead letters."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import typer

from lakehook.cli.context import CommandService
from lakehook.cli.options import (
    CommandCall,
    CommandGroup,
    DeliveryId,
    OfSubscription,
    Utc,
    Yes,
    examples,
)
from lakehook.cli.output import (
    ATTEMPTS,
    LETTERS,
    print_document,
    print_listing,
    print_result,
    progress_counter,
)
from lakehook.dead_letters import DeadLetterSelector, Discard, Redrive, is_exactly_one_selector
from lakehook.domain.errors import NotFound
from lakehook.domain.lane import DeliveryRecord
from lakehook.domain.text import counted
from lakehook.operations.views.deliveries import (
    DeadLetterActionResult,
    DeadLetterDetailView,
    DeadLetterView,
)

_VERBS = {
    ("redrive", True): "goes back",
    ("redrive", False): "go back",
    ("discard", True): "is given up",
    ("discard", False): "are given up",
}
_PROGRESS = {"redrive": "redriving", "discard": "discarding"}
Reason = Annotated[str | None, typer.Option("--reason", metavar="REASON", help="With this reason.")]
app = CommandGroup(help="Dead letters: deliveries that were given up.")


@app.command(
    "list",
    epilog=examples(
        "lakehook dead-letters list", "lakehook dead-letters list --subscription ci --reason gone"
    ),
)
def list_(
    *,
    subscription: OfSubscription = None,
    reason: Reason = None,
    utc: Utc = False,
    call: CommandCall,
) -> None:
    """Show dead letters of the ledger, and messages that SQS has moved to the queue by itself."""
    service = call.service
    choice = _selector(service, (), subscription, reason)
    letters = service.find_dead_letters(choice)
    owners = service.subscriptions_by_id()
    views = [DeadLetterView.from_record(letter, owners) for letter in letters]
    print_listing(call.output, LETTERS, views, now=None if utc else service.clock.now())


@app.command(epilog=examples("lakehook dead-letters show sub_0123#39#2"))
def show(delivery: DeliveryId, *, call: CommandCall) -> None:
    """Show one dead letter, its attempts, and its event."""
    service = call.service
    (letter,) = service.find_dead_letters(_selector(service, [delivery], None, None))
    if letter.delivery is None:
        raise NotFound(f"{delivery}: its event is not known")
    print_document(
        call.output,
        DeadLetterDetailView.from_record(letter, service.subscriptions_by_id()),
        tables={"log": ATTEMPTS},
    )


@dataclass(frozen=True, kw_only=True)
class SelectionOptions:
    """Options that select dead letters: by their ids, by common properties, or all of them."""

    deliveries: Annotated[
        list[str] | None, typer.Argument(metavar="ID", help="Such as ci#39#2, or sub_0123#39#2.")
    ] = None
    subscription: OfSubscription = None
    reason: Reason = None
    every: Annotated[bool, typer.Option("--all", help="All of them.")] = False

    def check(self) -> None:
        if not is_exactly_one_selector(
            self.deliveries, self.subscription, self.reason, every=self.every
        ):
            raise typer.BadParameter("give IDs, or --subscription and --reason, or --all alone")

    def find(self, service: CommandService) -> Sequence[DeliveryRecord]:
        return service.find_dead_letters(
            _selector(service, self.deliveries or (), self.subscription, self.reason)
        )


@app.command(
    epilog=examples(
        "lakehook dead-letters redrive sub_0123#39#2",
        "lakehook dead-letters redrive --subscription ci --yes",
    )
)
def redrive(*, selection: SelectionOptions, yes: Yes = False, call: CommandCall) -> None:
    """Send dead letters again, each before later deliveries, with a fresh budget."""
    selection.check()
    _confirm_and_act(call, selection, "redrive", call.service.redrive, yes=yes)


@app.command(
    epilog=examples(
        "lakehook dead-letters discard sub_0123#39#2",
        "lakehook dead-letters discard --reason gone --yes",
    )
)
def discard(*, selection: SelectionOptions, yes: Yes = False, call: CommandCall) -> None:
    """Discard dead letters for good; deliveries behind them go on."""
    selection.check()
    _confirm_and_act(call, selection, "discard", call.service.discard, yes=yes)


def _selector(
    service: CommandService, ids: Sequence[str], subscription: str | None, reason: str | None
) -> DeadLetterSelector:
    return DeadLetterSelector(
        ids=[service.resolve_delivery(id_) for id_ in ids],
        subscription_id=service.resolve_id(subscription),
        reason=reason,
        on_queue=True,
    )


def _confirm_and_act(
    call: CommandCall,
    selection: SelectionOptions,
    action: str,
    act: Redrive | Discard,
    *,
    yes: bool,
) -> None:
    """Act on one dead letter; more than one need a confirmation."""
    service = call.service
    letters = acted = selection.find(service)
    would = len(letters) > 1 and not yes
    behind = service.find_dead_letters.count_behind(letters)
    if not would:
        with progress_counter(_PROGRESS[action], total=len(letters)) as on_progress:
            acted = act(letters, on_progress=on_progress)
    result = DeadLetterActionResult.from_records(
        action,
        acted,
        service.subscriptions_by_id(),
        dry_run=would,
        waiting_behind=behind,
    )
    note = _outcome(result) + ("; nothing is done yet; --yes does it" if would else "")
    shown = ("remaining",) if result.remaining else ()
    tables, now = {"dead_letters": LETTERS}, service.clock.now()
    print_result(call.output, result, shown=shown, tables=tables, note=note, now=now)


def _outcome(result: DeadLetterActionResult) -> str:
    """Describe what happens to the dead letters, and to the deliveries behind them."""
    goes = _VERBS[result.action, result.number == 1]
    letters = counted(result.number, "letter", "letters")
    if not result.waiting_behind:
        return f"{letters} {goes}" if result.number else ""
    behind = counted(result.waiting_behind, "delivery follows", "deliveries follow")
    return f"{letters} {goes}; {behind} {'it' if result.number == 1 else 'them'}"
