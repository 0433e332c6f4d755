"""Producer library for the pipeline service: publishes events. Needs only boto3."""

import os
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Self

from lakehook.adapters.sqlite_spool import SqliteSpool
from lakehook.adapters.sqs.events import open_events_queue
from lakehook.producer.spool import SpoolDrain
from lakehook.publisher import Events, Publisher, to_entries

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

__all__ = ["PipelineEventPublisher", "Publisher", "SpooledPublisher"]

PipelineEventPublisher = Publisher  # its name in version 0.1

MAX_SPOOLED_BYTES = 256 * 1024 * 1024
CLOSING_SECONDS = 5.0


class SpooledPublisher:
    """Publisher that writes events to a file; a thread sends them, now or when AWS is available.

    Events in the file survive the process. Several processes may share it, each with a publisher of
    its own: one of them drains it. The events of a pipeline are sent in the order in which they
    were written, by any process. An event that was being sent when the process died is sent again:
    it is recognized by its id.
    """

    def __init__(
        self,
        queue_url: str,
        path: str | Path,
        client: "SQSClient | None" = None,
        *,
        most_bytes: int = MAX_SPOOLED_BYTES,
    ) -> None:
        """Open the spool; ``PublishError`` as for ``Publisher``, ``InvalidSpool`` for another file.

        The file is created if it is missing; its folder is not.
        """
        queue = open_events_queue(queue_url, client)
        self._process = os.getpid()
        self._spool = SqliteSpool(Path(path), max_bytes=most_bytes, fail_fast=True)
        self._drain = SpoolDrain(Path(path), queue.send, max_bytes=most_bytes)
        self._drain.start()

    def publish(self, events: Events) -> int:
        """Spool one or several events, all or none, and return how many. Never waits for AWS.

        Raises ``InvalidEvent`` for one that fan-out would reject, ``SpoolFull`` when there is no
        room: both are a ``PublishError``.
        """
        self._reject_fork()
        entries = to_entries(events)
        if entries:
            self._spool.add(entries)
            self._drain.notify()
        return len(entries)

    async def apublish(self, events: Events) -> int:
        """Publish in a thread, so that the event loop does not wait for the disk."""
        import asyncio  # noqa: PLC0415  as of ``Publisher``

        return await asyncio.to_thread(self.publish, events)

    def waiting(self) -> int:
        """Return how many events the file holds, of all processes."""
        self._reject_fork()
        return self._spool.count()

    def flush(self, timeout: float) -> bool:
        """Wait until everything published here was sent; false if that takes too long."""
        self._reject_fork()
        ends_at = monotonic() + timeout
        while self._spool.holds(up_to=self._spool.last):
            left = ends_at - monotonic()
            if left <= 0:
                return False
            self._drain.wait_for_progress(left)
        return True

    def close(self, timeout: float = CLOSING_SECONDS) -> bool:
        """Flush, and stop; unsent events stay in the file for the next publisher.

        In a child process it does nothing: the file and the thread are the parent's.
        """
        if os.getpid() != self._process:
            return False
        ends_at = monotonic() + timeout
        flushed = self.flush(timeout)
        self._drain.stop(within=max(0.1, ends_at - monotonic()))
        self._spool.close()
        return flushed

    def _reject_fork(self) -> None:
        """Reject use after a fork: SQLite connections and threads do not survive it.

        https://www.sqlite.org/howtocorrupt.html#_carrying_an_open_database_connection_across_a_fork_
        """
        if os.getpid() != self._process:
            raise RuntimeError(
                "a spool cannot be used after a fork: open it again in the child process"
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
