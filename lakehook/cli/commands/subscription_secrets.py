"""``lakehook subscriptions rotate-secret``: a new secret; the old one signs, too, for a while."""

from collections.abc import Mapping

import typer

from lakehook.cli.context import service_of
from lakehook.cli.inputs import read_secret
from lakehook.cli.options import (
    STACK,
    TEXT,
    AnswerAs,
    Id,
    Overlap,
    SecretFile,
    SigningName,
    Stack,
    examples,
)
from lakehook.cli.output import SECRETS, Output, Table, print_result
from lakehook.cli.reveal import OutputFailed, confirmed_output
from lakehook.domain.errors import Conflict, InfrastructureError
from lakehook.domain.signing import MAX_OVERLAP_SECONDS
from lakehook.domain.subscription import Subscription
from lakehook.domain.time import parse_duration
from lakehook.operations.views.subscriptions import CreatedSubscriptionView, RotatedSecretView
from lakehook.subscriptions.secrets import Rotated

rotation_app = typer.Typer(rich_markup_mode=None)


@rotation_app.command(
    epilog=examples(
        "lakehook subscriptions rotate-secret ci",
        "lakehook subscriptions rotate-secret ci --overlap 7d --signing ed25519",
        "lakehook subscriptions rotate-secret ci --overlap 0 --secret-file - < secret.txt",
    )
)
def rotate_secret(  # noqa: PLR0913  each is an option
    context: typer.Context,
    subscription: Id,
    *,
    overlap: Overlap = "24h",
    signing: SigningName = None,
    secret_file: SecretFile = None,
    output: AnswerAs = TEXT,
    stack: Stack = STACK,
) -> None:
    """Sign with a new secret from now on, and with the old one, too, until the overlap is over.

    Prints the new secret once, before it is used; for ed25519 the public key instead. After a later
    failure, the secret that was shown may not sign.
    """
    seconds = parse_duration(overlap, what="overlap", longest=MAX_OVERLAP_SECONDS)
    provided = read_secret(secret_file)
    service = service_of(context, stack)
    target = service.find_subscription(subscription)
    shown: list[RotatedSecretView] = []

    def show(rotated: Rotated) -> None:
        view = RotatedSecretView.from_rotation(rotated, provided=provided)
        with confirmed_output():
            print_created(output, view, "effective_at", tables={"secrets": SECRETS})
        shown.append(view)

    try:
        service.rotate_secret(
            target, overlap_seconds=seconds, signing=signing, provided=provided, show=show
        )
    except OutputFailed as error:
        raise OutputFailed(f"{error}; nothing has changed") from None
    except (Conflict, InfrastructureError) as error:
        if shown:
            raise type(error)(f"{error}; {_may_not_sign(target)}") from None
        raise


def _may_not_sign(subscription: Subscription) -> str:
    return (
        "the secret above signs only if it is the first that this shows:"
        f" lakehook subscriptions show {subscription.id}"
    )


def print_created(
    output: Output,
    view: CreatedSubscriptionView,
    *more: str,
    tables: Mapping[str, Table] | None = None,
) -> None:
    """Print a subscription with its new secret; people are shown what they have to know."""
    names = ("subscription_id", "name", "url", "state", "secret", "public_key", "replay_id")
    shown = [name for name in names if getattr(view, name) is not None]
    note = "Keep the secret: it is never shown again." if view.secret else ""
    print_result(output, view, shown=(*shown, *more), tables=tables, note=note)
