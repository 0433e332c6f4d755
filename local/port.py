"""Free TCP ports."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager


class PortTaken(OSError):
    """Another program listens on the port."""

    def __init__(self, port: int) -> None:
        super().__init__(f"port {port} is in use by another program; give another --port")


@contextmanager
def listening_on(port: int) -> Iterator[None]:
    """Raise ``PortTaken`` if the body fails because of the port."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(port) from error
        raise
