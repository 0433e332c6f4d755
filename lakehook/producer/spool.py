"""Drain of the spool: sends its events to the queue in the background, with retries."""

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Condition, Event, Thread

from lakehook.adapters.sqlite_spool import DrainLock, SqliteSpool
from lakehook.adapters.sqs.events import EventEntry, batches
from lakehook.domain.errors import InfrastructureError, LakehookError

WINDOW = 200  # events looked at together, so that batches are full where pipelines are many
POLL_SECONDS = 0.2  # another process cannot notify this one
FIRST_WAIT_SECONDS, MAX_WAIT_SECONDS = 0.1, 30.0

Send = Callable[[Sequence[EventEntry]], Mapping[EventEntry, str]]

_log = logging.getLogger("lakehook.producer")


class SpoolDrain:
    """Of all processes that share a spool, one drains it; another takes over when it ends."""

    def __init__(self, path: Path, send: Send, *, max_bytes: int) -> None:
        self._lock = DrainLock(path)
        self.spool = SqliteSpool(path, max_bytes=max_bytes)
        self._send = send
        self._bell, self._stopping, self._turned = Event(), Event(), Condition()
        self._failures, self._reason = 0, ""
        self._thread = Thread(target=self._run, name="lakehook-spool", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def notify(self) -> None:
        """Tell that there is something new."""
        self._bell.set()

    def wait_for_progress(self, seconds: float) -> None:
        """Wait until something may have gone, at most so long."""
        with self._turned:
            self._turned.wait(min(seconds, POLL_SECONDS))

    def stop(self, *, within: float) -> None:
        """Stop after the call that is under way, or leave it to end by itself."""
        self._stopping.set()
        self._bell.set()
        self._thread.join(within)

    def drain_once(self) -> bool:
        """Send the oldest events; whether there were any.

        ``InfrastructureError`` when some did not go.

        Behind an event that SQS did not take its pipeline waits, and no other.
        """
        window = self.spool.oldest(WINDOW)
        held: dict[str, str] = {}
        for batch in batches(window):
            going = [entry for entry in batch if entry.pipeline_key not in held]
            failed = self._send(going) if going else {}
            self.spool.remove([entry for entry in going if entry not in failed])
            held |= {entry.pipeline_key: why for entry, why in failed.items()}
        if held:
            raise InfrastructureError(
                f"SQS did not take events of {len(held)} pipelines: {min(held.values())}"
            )
        return bool(window)

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                try:
                    self._take_a_turn()
                except Exception as error:  # noqa: BLE001  it must outlive whatever it meets
                    self._back_off(error)
        finally:
            self._lock.release()
            self.spool.close()

    def _take_a_turn(self) -> None:
        """Send what there is, and wait for more; whoever has no lock waits for it."""
        if not self._lock.take():
            self._stopping.wait(POLL_SECONDS)
            return
        self._bell.clear()
        has_sent = self.drain_once()
        self._recovered()
        with self._turned:
            self._turned.notify_all()
        if not has_sent:
            self._bell.wait(POLL_SECONDS)

    def _recovered(self) -> None:
        if self._failures:
            _log.info("events go again after %d failures", self._failures)
        self._failures, self._reason = 0, ""

    def _back_off(self, error: Exception) -> None:
        """Wait longer and longer; each reason is told once, until another takes its place."""
        if str(error) != self._reason:
            trace = None if isinstance(error, LakehookError) else error
            _log.warning("events wait in the spool: %s", error, exc_info=trace)
        self._reason = str(error)
        with suppress(LakehookError):  # a disk that is full has no room for tidying up either
            self.spool.vacuum()
        wait = min(MAX_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2.0 ** min(self._failures, 30))
        self._failures += 1
        self._stopping.wait(wait)
