"""A receiver that verifies, answers at once, drops repeats, and works off what came in order.

    pip install standardwebhooks
    WEBHOOK_SECRET=whsec_… python start_ci_job.py

What is taken is on disk before it is answered, so a crash here loses nothing; what the reaction
fails at is tried again, and what came later waits for it.
"""

import json
import os
import sqlite3
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

TAKEN, UNSIGNED = 204, 401
LARGEST_BYTES = 1024 * 1024
PAUSE_SECONDS = 1.0

React = Callable[[str, Mapping[str, Any]], None]
"""What a delivery, known by its id, brings about. It may be asked twice after a crash."""

Recall = Callable[[Mapping[str, Any]], None]
"""Takes in again, at the start, what was worked off before, and tells nobody."""


class Inbox:
    """Each delivery once, by its ``webhook-id``, in the order in which they came."""

    def __init__(self, path: str) -> None:
        self._lock, self.filled = Lock(), Event()
        self._file = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._file.execute(
            "CREATE TABLE IF NOT EXISTS inbox (number INTEGER PRIMARY KEY, id TEXT UNIQUE,"
            " body BLOB, done INTEGER DEFAULT 0)"
        )

    def put(self, delivery_id: str, body: bytes) -> None:
        with self._lock:
            self._file.execute(
                "INSERT OR IGNORE INTO inbox (id, body) VALUES (?, ?)", (delivery_id, body)
            )
        self.filled.set()

    def next(self) -> tuple[int, str, bytes] | None:
        with self._lock:
            row: tuple[int, str, bytes] | None = self._file.execute(
                "SELECT number, id, body FROM inbox WHERE NOT done ORDER BY number LIMIT 1"
            ).fetchone()
        return row

    def finish(self, number: int) -> None:
        """It stays, so that a late repeat is known; delete what is older than a few weeks."""
        with self._lock:
            self._file.execute("UPDATE inbox SET done = 1 WHERE number = ?", (number,))

    def finished(self) -> list[bytes]:
        with self._lock:
            rows = self._file.execute("SELECT body FROM inbox WHERE done ORDER BY number")
            return [body for (body,) in rows]


def work_off(inbox: Inbox, react: React) -> None:
    while True:
        inbox.filled.clear()
        found = inbox.next()
        if found is None:
            inbox.filled.wait()
            continue
        number, delivery_id, body = found
        try:
            react(delivery_id, json.loads(body))
        except OSError as error:  # whom we tell is away
            print(f"{delivery_id}: {error}; trying again")
            time.sleep(PAUSE_SECONDS)
        else:
            inbox.finish(number)


class Door(BaseHTTPRequestHandler):
    inbox: Inbox
    webhook: Webhook

    def do_POST(self) -> None:
        length = min(int(self.headers.get("content-length", 0)), LARGEST_BYTES)
        body = self.rfile.read(length)  # the very bytes: what is parsed and written anew may differ
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            self.webhook.verify(body, headers)
        except WebhookVerificationError:
            return self._answer(UNSIGNED)
        self.inbox.put(headers["webhook-id"], body)
        return self._answer(TAKEN)

    def _answer(self, status: int) -> None:
        self.send_response(status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def serve(react: React, *, recall: Recall | None = None, door: type[Door] = Door) -> None:
    """Listen at ``PORT`` for deliveries signed by ``WEBHOOK_SECRET``, behind whatever ends TLS."""
    door.inbox = Inbox(os.environ.get("INBOX", "inbox.sqlite"))
    door.webhook = Webhook(os.environ["WEBHOOK_SECRET"])
    if recall:
        for body in door.inbox.finished():
            recall(json.loads(body))
    Thread(target=work_off, args=(door.inbox, react), daemon=True).start()
    server = ThreadingHTTPServer(("", int(os.environ.get("PORT", "8000"))), door)
    print(f"listening at {server.server_port}", flush=True)
    server.serve_forever()
