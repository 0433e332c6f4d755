"""Executor and wait under simulated time: the lanes of a batch run side by side.

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
    """Future without locks; it hashes the same in every run, so sets keep their order."""

    def __init__(self, number: int) -> None:
        self.waiting: list[Actor] = []
        self._number = number
        self.is_done = False
        self._result: Any = None
        self._error: BaseException | None = None

    def __hash__(self) -> int:
        return self._number

    def work(self, work: Callable[[], Any]) -> None:
        try:
            self._result = work()
        except BaseException as error:  # noqa: BLE001  ``result`` raises it
            self._error = error
        self.is_done = True

    def result(self, timeout: float | None = None) -> Any:
        assert self.is_done, f"it was to be waited for first, and not for {timeout} s"
        if self._error:
            raise self._error
        return self._result


class Waited(NamedTuple):
    done: set[SimulatedFuture]
    not_done: set[SimulatedFuture]


class SimulatedExecutor(Executor):
    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._submitted = 0

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> SimulatedFuture:
        self._submitted += 1
        future = SimulatedFuture(self._submitted)

        def work() -> None:
            future.work(lambda: fn(*args, **kwargs))
            for actor in future.waiting:  # a late call wakes whom it finds waiting for something
                self._timeline.wake(actor)  # else, who then waits on

        self._timeline.begin(work, context=self._timeline.context)
        return future


class SimulatedWait:
    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline

    def __call__(
        self,
        fs: AbstractSet[SimulatedFuture],
        timeout: float | None = None,
        return_when: str = ALL_COMPLETED,
    ) -> Waited:
        until = inf if timeout is None else self._timeline.now() + timeout
        until = max(until, self._timeline.context.frozen_until)
        self._wake_when_one_is_done(fs)
        awaited = 1 if return_when == FIRST_COMPLETED else len(fs)
        while sum([future.is_done for future in fs]) < awaited and self._timeline.now() < until:
            self._timeline.wait(until)
        return Waited({f for f in fs if f.is_done}, {f for f in fs if not f.is_done})

    def _wake_when_one_is_done(self, futures: AbstractSet[SimulatedFuture]) -> None:
        for future in futures:
            if not future.is_done:
                future.waiting.append(self._timeline.current_actor())


class SimulatedLock:
    """A lock under simulated time."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._inside: Actor | None = None
        self._queue: list[Actor] = []

    def __enter__(self) -> None:
        self._timeline.reach("lock.acquire")
        actor = self._timeline.current_actor()
        while self._inside:
            self._queue.append(actor)
            self._timeline.wait()
        self._inside = actor

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._timeline.touch("lock.release")
        self._inside = None
        waiting, self._queue = self._queue, []
        for actor in waiting:
            self._timeline.wake(actor)


@contextmanager
def simulated_waits(timeline: Timeline) -> Iterator[None]:
    with patch("lakehook.delivery.batch.wait", SimulatedWait(timeline)):
        yield
