"""``lakehook subscriptions rotate-secret``: a new secret; the old one signs too for a while."""

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
from lakehook.cli.output import SECRETS, print_document
from lakehook.domain.signing import MAX_OVERLAP_SECONDS
from lakehook.domain.time import parse_duration
from lakehook.operations.views.subscriptions import RotatedSecretView

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
    """Sign by a new secret from now on, and by the old one too until the overlap is over.

    Prints, this once, the new secret; of ed25519 the public key instead.
    """
    seconds = parse_duration(overlap, what="overlap", longest=MAX_OVERLAP_SECONDS)
    provided = read_secret(secret_file)
    service = service_of(context, stack)
    rotated = service.rotate_secret(
        service.find_subscription(subscription),
        overlap_seconds=seconds,
        signing=signing,
        provided=provided,
    )
    view = RotatedSecretView.from_rotation(rotated, provided=provided)
    print_document(output, view, tables={"secrets": SECRETS}, note=note_on(view.secret))


def note_on(told: str | None) -> str:
    return "Keep the secret: it is never shown again." if told else ""
