"""``subscriptions add --from-beginning|--since``: the past of a new subscription."""

from typing import Annotated

import typer

FromBeginning = Annotated[
    bool,
    typer.Option("--from-beginning", help="It is sent all of the past that is kept, at 10/s."),
]
PastSince = Annotated[
    str | None,
    typer.Option("--since", metavar="TIME", help="The past since then: 2026-01-01T12:00:00Z, 3d."),
]
