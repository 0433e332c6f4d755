"""``lakehook subscriptions rotate-secret``: a new secret, and the old one beside it for a while."""

import typer

from lakehook.desk.subscription_facts import rotation_facts, shown_once
from lakehook.domain.duration import parse_duration
from lakehook.domain.rotation import LONGEST_OVERLAP_SECONDS
from ops.answers import answer
from ops.desk import desk_of
from ops.given import secret_in
from ops.options import STACK, TEXT, AnswerAs, Id, Stack, examples
from ops.secret_options import Overlap, SecretFile, SigningName
from ops.subscription_facts import SECRETS

app = typer.Typer(rich_markup_mode=None)


@app.command(
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
    seconds = parse_duration(overlap, what="overlap", longest=LONGEST_OVERLAP_SECONDS)
    brought = secret_in(secret_file)
    desk = desk_of(context, stack)
    rotated = desk.rotate_secret(
        desk.look_up(subscription), overlap_seconds=seconds, signing=signing, brought=brought
    )
    told = shown_once(rotated.secret, brought)
    answer(
        output,
        rotation_facts(rotated, told=told),
        sections={"secrets": SECRETS.of(rotated.subscription.secrets)},
        note=note_on(told),
    )


def note_on(told: str | None) -> str:
    return "Keep the secret: it is never shown again." if told else ""
