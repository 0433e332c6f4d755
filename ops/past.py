"""``subscriptions add --from-beginning|--since``: the past of a new subscription."""

from typing import Annotated

import typer

from lakehook.domain.moment import FORMS

FromBeginning = Annotated[
    bool,
    typer.Option("--from-beginning", help="It is sent all of the past that is kept, at 10/s."),
]
PastSince = Annotated[
    str | None,
    typer.Option("--since", metavar="TIME", help=f"The past since then: {FORMS}."),
]
