"""The lanes of a batch side by side, under simulated time: an executor, and how it is waited for.

``concurrent.futures.wait`` waits for real threads and real seconds; ``simulated_waits`` puts the
timeline's in its place for as long as a history runs.
"""

from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from concurrent.futures import ALL_COMPLETED, FIRST_COMPLETED, Executor, Future
from contextlib import contextmanager
from math import inf
from types import TracebackType
from typing import Any, NamedTuple
from unittest.mock import patch

from tests.simulation.timeline import Actor, Timeline


class SimulatedFuture(Future[Any]):
    """Knows whom to wake, and hashes the same in every run, so that sets keep their order."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self._number = number

    def __hash__(self) -> int:
        return self._number


class Waited(NamedTuple):
    done: set[Future[Any]]
    not_done: set[Future[Any]]


class SimulatedExecutor(Executor):
    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._submitted = 0

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        self._submitted += 1
        future = SimulatedFuture(self._submitted)

        def work() -> None:
            try:
                future.set_result(fn(*args, **kwargs))
            except BaseException as error:  # noqa: BLE001  whoever asks for the result gets it
                future.set_exception(error)

        self._timeline.begin(work, context=self._timeline.context)
        return future


class SimulatedWait:
    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline

    def __call__(
        self,
        fs: AbstractSet[Future[Any]],
        timeout: float | None = None,
        return_when: str = ALL_COMPLETED,
    ) -> Waited:
        until = inf if timeout is None else self._timeline.now() + timeout
        self._wake_when_one_is_done(fs)
        while True:
            waited = Waited({f for f in fs if f.done()}, {f for f in fs if not f.done()})
            enough = waited.done if return_when == FIRST_COMPLETED else not waited.not_done
            if enough or self._timeline.now() >= until:
                return waited
            self._timeline.wait(until)

    def _wake_when_one_is_done(self, futures: AbstractSet[Future[Any]]) -> None:
        me = self._timeline.whoever_plays()
        for future in futures:
            if not future.done():  # a late call wakes whom it finds waiting for something else,
                future.add_done_callback(lambda _: self._timeline.wake(me))  # who then waits on


class OneAtATime:
    """A lock under simulated time."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._inside: Actor | None = None
        self._queue: list[Actor] = []

    def __enter__(self) -> None:
        me = self._timeline.whoever_plays()
        while self._inside:
            self._queue.append(me)
            self._timeline.wait()
        self._inside = me

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._inside = None
        waiting, self._queue = self._queue, []
        for actor in waiting:
            self._timeline.wake(actor)


@contextmanager
def simulated_waits(timeline: Timeline) -> Iterator[None]:
    with patch("lakehook.deliver_batch.wait", SimulatedWait(timeline)):
        yield
