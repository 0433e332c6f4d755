"""The options about secrets, and about what was signed by them."""

from typing import Annotated

import typer

from lakehook.domain.moment import FORMS
from lakehook.domain.secret import Signing

SigningName = Annotated[
    str | None,
    typer.Option(
        "--signing",
        metavar="|".join(Signing),
        help="By a secret that both sides share, or by a key whose public half the receiver has.",
    ),
]
SecretFile = Annotated[
    typer.FileBinaryRead | None,
    typer.Option(
        "--secret-file", metavar="FILE", help="A secret that exists; - is standard input."
    ),
]
AllowEmptySecret = Annotated[
    bool,
    typer.Option(
        "--allow-empty-secret", help="In DevLake's format: anybody can sign as we do, then."
    ),
]
Overlap = Annotated[
    str,
    typer.Option(
        "--overlap",
        metavar="30m|24h|7d|0",
        help="How long the old secret signs beside the new one; 0 ends all old ones at once.",
    ),
]

HeadersFile = Annotated[
    typer.FileBinaryRead,
    typer.Option("--headers", metavar="FILE", help="Its headers, as lines or as a JSON object."),
]
BodyFile = Annotated[
    typer.FileBinaryRead,
    typer.Option("--body", metavar="FILE", help="Its body, byte for byte; - is standard input."),
]
PublicKeyText = Annotated[
    str | None,
    typer.Option("--public-key", metavar="whpk_…", help="The public key of an ed25519 secret."),
]
Tolerance = Annotated[
    str, typer.Option("--tolerance", metavar="5m", help="How far its time may be from now.")
]
At = Annotated[
    str | None,
    typer.Option("--at", metavar="TIME", help=f"When it was captured: {FORMS}."),
]
