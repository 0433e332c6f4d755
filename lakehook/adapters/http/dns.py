"""DNS look-ups within a deadline, which ``getaddrinfo`` does not support.

``getaddrinfo`` cannot be interrupted, so a caller whose deadline has passed abandons it in its
thread. Look-ups of one host are shared: a hanging resolver holds one thread, however many
deliveries wait for it. The result is kept for a moment, for the other lanes of a batch and the next
delivery of a lane.

The number of threads is bounded. Names of one domain share a few of them (a bulkhead), since their
name servers are the same. When all are taken, the failure is ours and not the endpoint's.

A timer measures the age of a result, also in a process that was frozen in between.
"""

import socket
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Condition
from time import monotonic, time

from lakehook.domain.errors import InfrastructureError
from lakehook.ports.outbound import ResolveHost

LOOKUPS_AT_A_TIME = 32
LOOKUPS_OF_A_DOMAIN = 4
FREE_THREAD_SECONDS = 1.0
SHARED_SECONDS = 0.25
"""Far below the TTL of any DNS record (RFC 2181 section 8: whole seconds)."""
ANSWERS_KEPT = 100
_COUNTRY_CODE_LENGTH = 2
_SECOND_LEVELS = frozenset({"ac", "co", "com", "edu", "gob", "gov", "net", "or", "org"})
_Address = tuple[str, int]


class SuspendAwareTimer:
    def __init__(self) -> None:
        self._by_monotonic, self._by_wall = monotonic(), time()

    @property
    def age_seconds(self) -> float:
        """Age by the clock that has advanced more: one may stop in a frozen Lambda."""
        return max(monotonic() - self._by_monotonic, abs(time() - self._by_wall))


def resolve(host: str, port: int) -> list[str]:
    """Return every address of a host; raises ``OSError`` when it has none."""
    infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[4][0]) for address in infos))


class DnsResolver:
    def __init__(self, resolve: ResolveHost, *, at_a_time: int = LOOKUPS_AT_A_TIME) -> None:
        self._resolve, self._at_a_time = resolve, at_a_time
        self._workers = ThreadPoolExecutor(at_a_time, thread_name_prefix="look-up")
        self._lookups: dict[_Address, _PendingLookup] = {}
        self._under_way: Counter[str] = Counter()  # look-ups by domain
        self._changed = Condition()

    def __call__(self, host: str, port: int, *, seconds: float) -> Sequence[str]:
        """Resolve as ``ResolveHost``; any failure within the time is a ``gaierror``.

        Raises ``InfrastructureError`` when names of other domains hold every thread.
        """
        until = monotonic() + seconds
        try:
            answer = self._joined((host, port), until)
            addresses = answer.result(max(until - monotonic(), 0))
        except TimeoutError:
            raise socket.gaierror(socket.EAI_AGAIN, "the resolver did not answer in time") from None
        except socket.gaierror:
            raise
        except OSError as error:
            raise socket.gaierror(socket.EAI_FAIL, str(error)) from error
        if not addresses:
            raise socket.gaierror(socket.EAI_NONAME, "the name has no address")
        return addresses

    def _joined(self, address: "_Address", until: float) -> Future[Sequence[str]]:
        domain = domain_of(address[0])
        with self._changed:
            while not (lookup := self._known(address)):
                left = until - monotonic()
                if not self._has_room(domain):
                    if not self._wait_for(lambda: self._has_room(domain), address, left):
                        raise TimeoutError
                elif self._has_thread():
                    return self._begin(address, domain)
                elif not self._wait_for(self._has_thread, address, min(left, FREE_THREAD_SECONDS)):
                    raise InfrastructureError(
                        f"{self._at_a_time} look-ups of names hang, and no thread is free"
                    )
            return lookup.answer

    def _wait_for(self, room: Callable[[], bool], address: "_Address", seconds: float) -> bool:
        """Wait for room, or for another caller's look-up of the same address."""
        return self._changed.wait_for(lambda: room() or bool(self._known(address)), seconds)

    def _known(self, address: "_Address") -> "_PendingLookup | None":
        lookup = self._lookups.get(address)
        return lookup if lookup and not lookup.is_stale else None

    def _has_room(self, domain: str) -> bool:
        return self._under_way[domain] < min(LOOKUPS_OF_A_DOMAIN, self._at_a_time)

    def _has_thread(self) -> bool:
        return self._under_way.total() < self._at_a_time

    def _begin(self, address: "_Address", domain: str) -> Future[Sequence[str]]:
        self._forget_answers()
        look_up = _PendingLookup(self._resolve, address, lambda: self._end(domain))
        try:
            look_up.answer = self._workers.submit(look_up)
        except RuntimeError as error:  # the process can't start more threads: no look-up was made
            raise InfrastructureError(str(error)) from error
        self._under_way[domain] += 1
        self._lookups[address] = look_up
        return look_up.answer

    def _end(self, domain: str) -> None:
        with self._changed:
            self._under_way[domain] -= 1
            self._under_way += Counter()  # drops the zero counts
            self._changed.notify_all()

    def _forget_answers(self) -> None:
        if len(self._lookups) >= ANSWERS_KEPT:
            self._lookups = {
                address: lookup for address, lookup in self._lookups.items() if not lookup.answered
            }


def domain_of(host: str) -> str:
    """Return roughly the registered part of a name: names under it share name servers.

    ``a.b.example.com`` is of ``example.com``, and ``a.example.co.uk`` of ``example.co.uk``.
    """
    labels = host.rstrip(".").lower().split(".")
    is_country = len(labels[-1]) == _COUNTRY_CODE_LENGTH
    is_below_both = is_country and len(labels) > 1 and labels[-2] in _SECOND_LEVELS
    return ".".join(labels[-3:] if is_below_both else labels[-2:])


class _PendingLookup:
    """A look-up that is in progress, or finished a moment ago."""

    answer: Future[Sequence[str]]
    answered: SuspendAwareTimer | None = None

    def __init__(self, resolve: ResolveHost, address: "_Address", end: Callable[[], None]) -> None:
        self._resolve, self._address, self._end = resolve, address, end

    def __call__(self) -> Sequence[str]:
        try:
            return self._resolve(*self._address)
        finally:
            self.answered = SuspendAwareTimer()
            self._end()

    @property
    def is_stale(self) -> bool:
        return self.answered is not None and self.answered.age_seconds > SHARED_SECONDS
