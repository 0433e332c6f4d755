"""A spool of events in an SQLite file on a local disk, which several processes may share.

A commit is in the file when it returns and survives the process (``kill -9``). It is not forced
onto the disk (``synchronous=NORMAL``), so a power failure may lose the last commits.
https://www.sqlite.org/pragma.html#pragma_synchronous
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from lakehook.adapters.sqs.events import EventEntry
from lakehook.domain.errors import InvalidSpool, SpoolFull

_VERSION = 1
_BUSY_SECONDS = 5.0  # others hold the file for one commit at a time, which is far shorter
_MAX_LOG_PAGES = 10_000  # 40 MB; by then the drainer should have checkpointed
_MEBIBYTE = 1024 * 1024
_TABLE = """
    CREATE TABLE IF NOT EXISTS event (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        pipeline_id TEXT NOT NULL,  -- its key, which is the id alone for the default source
        event_id TEXT NOT NULL,
        body TEXT NOT NULL
    )
"""


class SqliteSpool:
    """A spool's connection, for one thread at a time."""

    def __init__(self, path: Path, *, max_bytes: int, fail_fast: bool = False) -> None:
        """Open a spool; ``fail_fast`` leaves the checkpoint of the write-ahead log to others."""
        self.last = 0  # number of the last event added here
        self._path, self._most_bytes = path, max_bytes
        self._alone = Lock()
        with self._translated_errors():
            self._file = sqlite3.connect(
                path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
        try:
            self._open(fail_fast=fail_fast)
        except BaseException:
            self._file.close()
            raise

    def add(self, entries: Sequence[EventEntry]) -> None:
        """Add all entries or none; raises ``SpoolFull`` when there is no room."""
        rows = [(entry.pipeline_key, entry.event_id, entry.body) for entry in entries]
        with self._transaction() as file:
            file.executemany(
                "INSERT INTO event (pipeline_id, event_id, body) VALUES (?, ?, ?)", rows
            )
            (self.last,) = file.execute("SELECT max(number) FROM event").fetchone()

    def oldest(self, limit: int, after: int = 0) -> list[EventEntry]:
        with self._alone, self._translated_errors():
            rows = self._file.execute(
                "SELECT pipeline_id, event_id, body, number FROM event WHERE number > ?"
                " ORDER BY number LIMIT ?",
                (after, limit),
            )
            return [EventEntry(*row) for row in rows]

    def remove(self, entries: Sequence[EventEntry]) -> None:
        with self._transaction() as file:
            numbers = [(entry.number,) for entry in entries]
            file.executemany("DELETE FROM event WHERE number = ?", numbers)

    def holds(self, *, up_to: int) -> bool:
        """Whether it contains an event of this number or a lower one."""
        return any(event.number <= up_to for event in self.oldest(1))

    def count(self) -> int:
        with self._alone, self._translated_errors():
            (count,) = self._file.execute("SELECT count(*) FROM event").fetchone()
        return int(count)

    def vacuum(self) -> None:
        """Checkpoint the write-ahead log, which grows while nothing is removed."""
        with self._alone, self._translated_errors():
            self._file.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def close(self) -> None:
        with self._alone:
            self._file.close()

    def _open(self, *, fail_fast: bool) -> None:
        with self._translated_errors():
            self._file.execute("PRAGMA journal_mode = WAL")
            self._file.execute("PRAGMA synchronous = NORMAL")
            (page_bytes,) = self._file.execute("PRAGMA page_size").fetchone()
            pages = max(1, self._most_bytes // page_bytes)
            self._file.execute(f"PRAGMA max_page_count = {pages}")
            if fail_fast:
                self._file.execute(f"PRAGMA wal_autocheckpoint = {_MAX_LOG_PAGES}")
        with self._transaction() as file:
            (version,) = file.execute("PRAGMA user_version").fetchone()
            if version not in (0, _VERSION):
                raise InvalidSpool(f"{self._path} is a spool of version {version}, not {_VERSION}")
            file.execute(_TABLE)
            file.execute(f"PRAGMA user_version = {_VERSION}")

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._alone, self._translated_errors():
            self._file.execute("BEGIN IMMEDIATE")
            try:
                yield self._file
            except BaseException:
                if self._file.in_transaction:
                    self._file.execute("ROLLBACK")
                raise
            self._file.execute("COMMIT")

    @contextmanager
    def _translated_errors(self) -> Iterator[None]:
        """Translate SQLite's errors, with a remedy."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            if getattr(error, "sqlite_errorname", "") == "SQLITE_FULL":
                raise SpoolFull(
                    f"the spool {self._path} is full at {self._most_bytes / _MEBIBYTE:g} MiB:"
                    " its events wait for SQS, or the disk has no room"
                ) from None
            raise InvalidSpool(f"the spool {self._path}: {error}") from error


class DrainLock:
    """Lock of the process that drains the spool; it is released when the process ends."""

    def __init__(self, path: Path) -> None:
        self._path = path.with_name(f"{path.name}.lock")
        self._file: sqlite3.Connection | None = None

    def take(self) -> bool:
        if self._file is None:
            file = sqlite3.connect(self._path, timeout=0, isolation_level=None)
            try:
                file.execute("BEGIN EXCLUSIVE")
            except sqlite3.OperationalError:
                file.close()
                return False
            self._file = file
        return True

    def release(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
