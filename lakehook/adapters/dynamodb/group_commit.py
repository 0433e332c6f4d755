"""Group commit: writes of several threads at the same time go together in one request.

A write waits a little for those of the other lanes of its batch, while any of them is under way.
Those that come while a request is in flight go together in the next one. A lone write waits for
nothing. No thread of its own is needed: one of those that wait sends the request for all.
"""

from collections.abc import Callable, Sequence
from threading import Event, Lock
from types import TracebackType

from botocore.exceptions import ClientError

from lakehook.adapters.dynamodb.partiql import MAX_STATEMENTS, Statement
from lakehook.domain.errors import InfrastructureError

PATIENCE_SECONDS = 1.0
"""Of a write that waits for a request in flight; a slow one delays the next by no more."""

LINGER_SECONDS = 0.02
"""Of a write while other lanes are under way. Their receivers seldom answer at the same moment."""

Execute = Callable[[Sequence[Statement]], Sequence[ClientError | None]]


class _Write:
    def __init__(self, statement: Statement) -> None:
        self.statement = statement
        self.is_taken = False  # its request is in flight, or has ended
        self.turn = Event()  # set when it may send what waits, or when its request has ended
        self.error: ClientError | None = None
        self.failure: Exception | None = None


class GroupCommit:
    """Writes that wait. At most 25 go in one request, each of another item.

    A thread that works on a lane, and may write soon, enters it as a context.
    """

    def __init__(
        self,
        *,
        linger_seconds: float = LINGER_SECONDS,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self._linger_seconds = linger_seconds
        self._patience_seconds = patience_seconds
        self._lock = Lock()
        self._under_way = 0
        self._waiting: list[_Write] = []
        self._all_wait = Event()
        self._is_busy = False

    def __enter__(self) -> None:
        with self._lock:
            self._under_way += 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._lock:
            self._under_way -= 1
            self._notice_if_all_wait()

    def __call__(self, statement: Statement, execute: Execute) -> ClientError | None:
        """Execute a statement, perhaps with others; return its own error, or None.

        A failure of the whole request is raised in each of its threads.
        """
        write = _Write(statement)
        if not self._enters(write):
            write.turn.wait(self._patience_seconds)
        self._linger(write)
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
            self._notice_if_all_wait()
            is_first, self._is_busy = not self._is_busy, True
            return is_first

    def _notice_if_all_wait(self) -> None:
        if len(self._waiting) >= self._under_way:
            self._all_wait.set()

    def _linger(self, write: _Write) -> None:
        """Give the other lanes a moment to write, too."""
        with self._lock:
            if write.is_taken:
                return
            self._all_wait.clear()
            self._notice_if_all_wait()
        self._all_wait.wait(self._linger_seconds)

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
