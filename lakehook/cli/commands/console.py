"""``lakehook console``: the operator's pages in a browser, on this machine alone."""

from contextlib import suppress
from threading import Event
from typing import Annotated

import typer

from lakehook.cli.context import service_of
from lakehook.cli.options import STACK, Stack, examples
from lakehook.cli.terminal import write
from lakehook.domain.subscription import parse_language

CONSOLE_EXAMPLES = examples("lakehook console", "lakehook console --read-only --language zh")

Port = Annotated[
    int, typer.Option("--port", min=0, max=65535, help="Where to listen; 0: any free port.")
]
NoBrowser = Annotated[bool, typer.Option("--no-browser", help="Print the URL, and open nothing.")]
ReadOnly = Annotated[bool, typer.Option("--read-only", help="Show everything, change nothing.")]
PageLanguage = Annotated[
    str, typer.Option("--language", metavar="en|zh", help="Of its pages; a page can switch it.")
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
    """Serve pages on 127.0.0.1 that show and do what this command does, until Ctrl-C.

    It acts with your own AWS credentials. Only whoever has the URL that it prints is let in.
    """
    from lakehook.console.context import ConsoleService, Options  # noqa: PLC0415  only this command needs Flask
    from lakehook.console.server import served  # noqa: PLC0415

    def open_service() -> ConsoleService:
        opened = service_of(context, stack)
        return ConsoleService(opened, opened.publish)

    options = Options(read_only=read_only, language=parse_language(language), stack=stack)
    open_service()  # a name that is wrong is told here, and not in the browser
    with served(open_service, port=port, options=options) as running:
        write(f"console: {running.access.url}")
        if not no_browser:
            running.open_browser()
        with suppress(KeyboardInterrupt):
            Event().wait()
