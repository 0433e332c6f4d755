"""Server of the console: on loopback, until it is interrupted; it opens a browser."""

import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from socket import create_server
from threading import Thread

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from lakehook.console.access import HOST, Access
from lakehook.console.app import create_app
from lakehook.console.context import Console, ConsoleOptions
from lakehook.domain.errors import InvalidInput
from lakehook.operations import OperatorService

DEFAULT_PORT = 8300


class _Quiet(WSGIRequestHandler):
    """Request handler without a log: a URL may contain the token."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log nothing."""


@dataclass(frozen=True)
class Served:
    access: Access
    server: BaseWSGIServer

    def open_browser(self) -> None:
        webbrowser.open(self.access.new_ticket_url())


@contextmanager
def served(
    open_service: Callable[[], OperatorService], *, port: int, options: ConsoleOptions
) -> Iterator[Served]:
    """Serve inside the block, at that port or, if it is 0, at any free one."""
    server = _listen(port)
    access = Access(server.port)
    server.app = create_app(Console(open_service=open_service, access=access, options=options))
    thread = Thread(target=server.serve_forever, name="console", daemon=True)
    thread.start()
    try:
        yield Served(access, server)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _listen(port: int) -> BaseWSGIServer:
    try:
        with create_server((HOST, port)) as listener:  # Werkzeug would print, and exit
            return make_server(
                HOST,
                listener.getsockname()[1],
                lambda *_: [],
                threaded=True,
                request_handler=_Quiet,
                fd=listener.fileno(),
            )
    except OSError as error:
        raise InvalidInput(f"port: {port} is taken; try --port 0 for any free one") from error
