"""Drain of the spool: sends its events to the queue in the background, with retries."""

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Condition, Event, Thread

from lakehook.adapters.sqlite_spool import DrainLock, SqliteSpool
from lakehook.adapters.sqs.events import EventEntry, batches
from lakehook.domain.errors import InfrastructureError, LakehookError

WINDOW = 200  # events that are read at a time, so that batches are full even with many pipelines
MAX_HELD = 10  # pipelines whose rejected events are passed over for the events behind them
POLL_SECONDS = 0.2  # another process cannot notify this one
FIRST_WAIT_SECONDS, MAX_WAIT_SECONDS = 0.1, 30.0

Send = Callable[[Sequence[EventEntry]], Mapping[EventEntry, str]]

_log = logging.getLogger("lakehook.producer")


class SpoolDrain:
    """Drain of a spool: one process drains it, and another takes over when that ends."""

    def __init__(self, path: Path, send: Send, *, max_bytes: int) -> None:
        self._lock = DrainLock(path)
        self.spool = SqliteSpool(path, max_bytes=max_bytes)
        self._send = send
        self._new_events, self._stopping, self._progress = Event(), Event(), Condition()
        self._failures, self._reason = 0, ""
        self._thread = Thread(target=self._run, name="lakehook-spool", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def notify(self) -> None:
        """Notify the thread of new events."""
        self._new_events.set()

    def wait_for_progress(self, seconds: float) -> None:
        """Wait until events may have been sent, at most this long."""
        with self._progress:
            self._progress.wait(min(seconds, POLL_SECONDS))

    def stop(self, *, within: float) -> None:
        """Stop after the call in progress, or leave it to finish."""
        self._stopping.set()
        self._new_events.set()
        self._thread.join(within)

    def drain_once(self) -> bool:
        """Send the oldest events, and return whether there were any.

        Raises ``InfrastructureError`` when some were not sent. After an event that SQS rejected
        only its own pipeline waits, though it may fill a window; after many SQS itself is failing.
        """
        held: dict[str, str] = {}
        last = 0
        while window := self.spool.oldest(WINDOW, last):
            last = window[-1].number
            for batch in batches(window):
                sendable = [entry for entry in batch if entry.pipeline_key not in held]
                failed = self._send(sendable) if sendable else {}
                self.spool.remove([entry for entry in sendable if entry not in failed])
                held |= {entry.pipeline_key: reason for entry, reason in failed.items()}
            if not 0 < len(held) < MAX_HELD or self._stopping.is_set():
                break
        if held:
            raise InfrastructureError(
                f"SQS did not take events of {len(held)} pipelines: {min(held.values())}"
            )
        return last > 0

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                try:
                    self._drain_or_wait()
                except Exception as error:  # noqa: BLE001  the thread must survive any error
                    self._back_off(error)
        finally:
            self._lock.release()
            self.spool.close()

    def _drain_or_wait(self) -> None:
        """Send what there is, and wait for more; without the lock, wait for it."""
        if not self._lock.take():
            self._stopping.wait(POLL_SECONDS)
            return
        self._new_events.clear()
        has_sent = self.drain_once()
        self._recovered()
        with self._progress:
            self._progress.notify_all()
        if not has_sent:
            self._new_events.wait(POLL_SECONDS)

    def _recovered(self) -> None:
        if self._failures:
            _log.info("events go again after %d failures", self._failures)
        self._failures, self._reason = 0, ""

    def _back_off(self, error: Exception) -> None:
        """Wait longer after each failure; a reason is logged once, until another one occurs."""
        if str(error) != self._reason:
            trace = None if isinstance(error, LakehookError) else error
            _log.warning("events wait in the spool: %s", error, exc_info=trace)
        self._reason = str(error)
        with suppress(LakehookError):  # a full disk has no room for a checkpoint, either
            self.spool.vacuum()
        wait = min(MAX_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2.0 ** min(self._failures, 30))
        self._failures += 1
        self._stopping.wait(wait)
