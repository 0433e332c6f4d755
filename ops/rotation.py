"""``lakehook subscriptions rotate-secret``: a new secret, and the old one beside it for a while."""

import typer

from lakehook.domain.duration import parse_duration
from lakehook.domain.rfc_3339 import rfc_3339
from lakehook.domain.rotation import LONGEST_OVERLAP_SECONDS
from lakehook.domain.secret import Signing
from lakehook.domain.signature import SigningKey
from ops.answers import answer
from ops.desk import desk_of
from ops.given import secret_in
from ops.options import STACK, TEXT, AnswerAs, Id, Stack, examples
from ops.secret_options import Overlap, SecretFile, SigningName
from ops.subscription_facts import SECRETS, facts

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
    told, in_force_at = shown_once(rotated.secret, brought), rfc_3339(rotated.in_force_at)
    answer(
        output,
        facts(rotated.subscription) | {"secret": told, "in_force_at": in_force_at},
        sections={"secrets": SECRETS.of(rotated.subscription.secrets)},
        note=note_on(told),
    )


def shown_once(secret: SigningKey | None, brought: str | None) -> str | None:
    """What the receiver needs and nobody has yet: no private key, and nothing that was brought."""
    if secret is None or brought is not None or secret.signing is not Signing.HMAC:
        return None
    return secret.reveal()


def note_on(told: str | None) -> str:
    return "Keep the secret: it is never shown again." if told else ""
