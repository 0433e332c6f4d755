"""Looking names up within a deadline, which ``getaddrinfo`` knows nothing of.

It can't be interrupted either, so whoever has waited long enough leaves it behind in its thread.
Look-ups of one host are one, so that a resolver that hangs for it holds one thread, however many
deliveries are on their way there; and there are so many threads, and no more.
"""

import socket
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock

from lakehook.ports.endpoints import Resolve

LOOKUPS_AT_A_TIME = 32


def resolve(host: str, port: int) -> list[str]:
    """Every address of a host; ``OSError`` when it has none."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[4][0]) for address in found))


class Lookups:
    def __init__(self, resolve: Resolve, *, at_a_time: int = LOOKUPS_AT_A_TIME) -> None:
        self._resolve = resolve
        self._workers = ThreadPoolExecutor(at_a_time, thread_name_prefix="look-up")
        self._under_way: dict[tuple[str, int], Future[Sequence[str]]] = {}
        self._lock = Lock()

    def __call__(self, host: str, port: int, *, seconds: float) -> Sequence[str]:
        """As ``Resolve``; whatever keeps it from an answer in so many seconds is a ``gaierror``."""
        try:
            addresses = self._joined(host, port).result(seconds)
        except TimeoutError:
            raise socket.gaierror(socket.EAI_AGAIN, "the resolver did not answer in time") from None
        except socket.gaierror:
            raise
        except OSError as error:
            raise socket.gaierror(socket.EAI_FAIL, str(error)) from error
        if not addresses:
            raise socket.gaierror(socket.EAI_NONAME, "the name has no address")
        return addresses

    def _joined(self, host: str, port: int) -> Future[Sequence[str]]:
        key = host, port
        with self._lock:
            if key not in self._under_way:
                self._under_way[key] = self._workers.submit(self._look_up, key)
            return self._under_way[key]

    def _look_up(self, key: tuple[str, int]) -> Sequence[str]:
        try:
            return self._resolve(*key)
        finally:  # before anyone is told, so that the next look-up is a new one
            with self._lock:
                del self._under_way[key]
