"""Looking names up within a deadline, which ``getaddrinfo`` knows nothing of.

It can't be interrupted either, so whoever has waited long enough leaves it behind in its thread.
Look-ups of one host are one, so that a resolver that hangs for it holds one thread, however many
deliveries are on their way there; and there are so many threads, and no more. Who comes a moment
later shares the answer, too: the other lanes of a batch, the next delivery of a lane.
"""

import socket
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock

from lakehook.adapters.http_moment import Moment
from lakehook.ports.endpoints import Resolve

LOOKUPS_AT_A_TIME = 32
SHARED_SECONDS = 0.25
"""Far below what any name server lets an answer be kept for (RFC 2181 section 8: whole seconds)."""
ANSWERS_KEPT = 100


def resolve(host: str, port: int) -> list[str]:
    """Every address of a host; ``OSError`` when it has none."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[4][0]) for address in found))


class Lookups:
    def __init__(self, resolve: Resolve, *, at_a_time: int = LOOKUPS_AT_A_TIME) -> None:
        self._resolve = resolve
        self._workers = ThreadPoolExecutor(at_a_time, thread_name_prefix="look-up")
        self._asked: dict[_Place, _LookUp] = {}
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
        place = host, port
        with self._lock:
            one = self._asked.get(place)
            if one is None or one.is_stale:
                self._forget_answers()
                one = _LookUp(self._resolve, place)
                one.answer = self._workers.submit(one)  # and if there is no thread, nobody asked
                self._asked[place] = one
            return one.answer

    def _forget_answers(self) -> None:
        if len(self._asked) >= ANSWERS_KEPT:
            self._asked = {place: one for place, one in self._asked.items() if not one.answered}


class _LookUp:
    """One that is under way, or was answered a moment ago."""

    answer: Future[Sequence[str]]
    answered: Moment | None = None

    def __init__(self, resolve: Resolve, place: "_Place") -> None:
        self._resolve, self._place = resolve, place

    def __call__(self) -> Sequence[str]:
        try:
            return self._resolve(*self._place)
        finally:
            self.answered = Moment()

    @property
    def is_stale(self) -> bool:
        return self.answered is not None and self.answered.age_seconds > SHARED_SECONDS


_Place = tuple[str, int]
