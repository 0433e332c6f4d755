"""Lambda's Runtime API, from which a worker process takes invocations and where it reports results.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

from concurrent.futures import Future
from queue import SimpleQueue
from threading import Lock

from local.invocation import Invocation, InvocationFailure, Result


class RuntimeApi:
    """Hands out invocations one at a time; once ended, every invocation ends the same way."""

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
        """Wait for an invocation; None at the end. To ask the first time is to be initialised."""
        self._initialise(None)
        return self._handed_over.get()

    def settle(self, invocation_id: str, result: Result) -> None:
        """A result that comes after the end, or of another invocation, changes nothing."""
        with self._lock:
            current = self._current
            if current and current.id == invocation_id and not current.result.done():
                current.result.set_result(result)

    def end(self, failure: InvocationFailure) -> None:
        """The process is gone, or could not be initialised: whoever waits for it learns why."""
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
