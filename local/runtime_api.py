"""Lambda's Runtime API, from which a worker takes invocations, and to which it reports results.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

from concurrent.futures import Future
from queue import SimpleQueue
from threading import Lock

from local.invocation import Invocation, InvocationFailure, Result


class RuntimeApi:
    """Queue of invocations, one at a time; after the end, every one fails in the same way."""

    def __init__(self, function_arn: str) -> None:
        self.function_arn = function_arn
        self.initialised: Future[InvocationFailure | None] = Future()
        self._handed_over: SimpleQueue[Invocation | None] = SimpleQueue()
        self._lock = Lock()
        self._current: Invocation | None = None
        self._end: InvocationFailure | None = None

    def submit(self, invocation: Invocation) -> None:
        with self._lock:
            self._current = invocation
            if self._end:
                invocation.result.set_result(self._end)
        self._handed_over.put(invocation)

    def next(self) -> Invocation | None:
        """Wait for an invocation; None at the end. The first call shows a completed start."""
        self._initialise(None)
        return self._handed_over.get()

    def settle(self, invocation_id: str, result: Result) -> None:
        """Record a result; one that comes after the end, or of another invocation, is ignored."""
        with self._lock:
            current = self._current
            if current and current.id == invocation_id and not current.result.done():
                current.result.set_result(result)

    def end(self, failure: InvocationFailure) -> None:
        """End: the process is gone, or failed to initialize; waiting callers get the failure."""
        with self._lock:
            self._end = self._end or failure
            if self._current and not self._current.result.done():
                self._current.result.set_result(self._end)
        self._initialise(self._end)
        self._handed_over.put(None)

    def _initialise(self, failure: InvocationFailure | None) -> None:
        with self._lock:
            if not self.initialised.done():
                self.initialised.set_result(failure)
