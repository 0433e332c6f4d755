"""``lakehook console``: the operator's pages in a browser, on this machine only."""

from contextlib import suppress
from threading import Event
from typing import Annotated

import typer

from lakehook.cli.options import STACK, Stack, examples
from lakehook.cli.output import write
from lakehook.domain.subscription import parse_language
from lakehook.operations import OperatorService

CONSOLE_EXAMPLES = examples("lakehook console", "lakehook console --read-only --language zh")

Port = Annotated[
    int, typer.Option("--port", min=0, max=65535, help="Port to listen on; 0: any free one.")
]
NoBrowser = Annotated[
    bool, typer.Option("--no-browser", help="Print the URL without opening a browser.")
]
ReadOnly = Annotated[bool, typer.Option("--read-only", help="Allow no changes.")]
PageLanguage = Annotated[
    str,
    typer.Option(
        "--language", metavar="en|zh", help="Language of the pages, which can be switched."
    ),
]


def console(  # noqa: PLR0913  each is an option
    context: typer.Context,
    *,
    port: Port = 8300,
    no_browser: NoBrowser = False,
    read_only: ReadOnly = False,
    language: PageLanguage = "en",
    stack: Stack = STACK,
) -> None:
    """Serve pages on 127.0.0.1 with the functions of this command, until Ctrl-C.

    It uses your own AWS credentials. Only the printed URL gives access.
    """
    from lakehook.console.context import ConsoleOptions  # noqa: PLC0415  only this command needs Flask
    from lakehook.console.server import served  # noqa: PLC0415

    def open_service() -> OperatorService:
        service: OperatorService = context.obj(stack)
        return service

    options = ConsoleOptions(read_only=read_only, language=parse_language(language), stack=stack)
    open_service()  # a wrong name is reported here, and not in the browser
    with served(open_service, port=port, options=options) as running:
        write(f"console: {running.access.url}")
        if not no_browser:
            running.open_browser()
        with suppress(KeyboardInterrupt):
            Event().wait()
