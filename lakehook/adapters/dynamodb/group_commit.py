"""Group commit: writes of several threads at the same time go together in one request.

The first write goes at once. Those that come while its request is in flight go together in the
next one, so a lone write waits for nothing. No thread of its own is needed: one of those that wait
sends the request for all.
"""

from collections.abc import Callable, Sequence
from threading import Event, Lock

from botocore.exceptions import ClientError

from lakehook.adapters.dynamodb.partiql import MAX_STATEMENTS, Statement
from lakehook.domain.errors import InfrastructureError

PATIENCE_SECONDS = 1.0
"""Of a write that waits for a request in flight; a slow one delays the next by no more."""

Execute = Callable[[Sequence[Statement]], Sequence[ClientError | None]]


class _Write:
    def __init__(self, statement: Statement) -> None:
        self.statement = statement
        self.is_taken = False  # its request is in flight, or has ended
        self.turn = Event()  # to send the waiting writes; then, of a taken one, its end
        self.error: ClientError | None = None
        self.failure: Exception | None = None


class GroupCommit:
    """Writes that wait. At most 25 go in one request, each of another item."""

    def __init__(self, *, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._patience_seconds = patience_seconds
        self._lock = Lock()
        self._waiting: list[_Write] = []
        self._is_busy = False

    def __call__(self, statement: Statement, execute: Execute) -> ClientError | None:
        """Execute a statement, perhaps with others; return its own error, or None.

        A failure of the whole request is raised in each of its threads.
        """
        write = _Write(statement)
        if not self._enters(write):
            write.turn.wait(self._patience_seconds)
        if group := self._take(write):
            self._commit(group, execute)
        else:
            write.turn.wait()
        if write.failure:
            raise InfrastructureError(str(write.failure)) from write.failure
        return write.error

    def _enters(self, write: _Write) -> bool:
        """Queue the write; whether it need not wait, since no request is in flight."""
        with self._lock:
            self._waiting.append(write)
            is_first, self._is_busy = not self._is_busy, True
            return is_first

    def _take(self, write: _Write) -> list[_Write]:
        """Take a write and the others that wait; nothing if another thread has taken it."""
        with self._lock:
            if write.is_taken:
                return []
            self._waiting.remove(write)
            group = [write, *self._waiting[: MAX_STATEMENTS - 1]]
            del self._waiting[: MAX_STATEMENTS - 1]
            for taken in group:
                taken.is_taken = True
                taken.turn.clear()
            return group

    def _commit(self, group: Sequence[_Write], execute: Execute) -> None:
        try:
            errors = execute([write.statement for write in group])
            for write, error in zip(group, errors, strict=True):
                write.error = error
        except Exception as failure:  # noqa: BLE001  each thread raises it
            for write in group:
                write.failure = failure
        finally:
            self._pass_on()
            for write in group:
                write.turn.set()

    def _pass_on(self) -> None:
        """Let the first that waits send the next request."""
        with self._lock:
            self._is_busy = bool(self._waiting)
            if self._waiting:
                self._waiting[0].turn.set()
