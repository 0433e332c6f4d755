"""A receiver that verifies, answers at once, drops repeats, and works off what came in order.

    pip install standardwebhooks
    WEBHOOK_SECRET=whsec_… python start_ci_job.py

What is taken is on disk before it is answered, so a crash here loses nothing; what the reaction
fails at is tried again, and what came later waits for it. A ``PING``, by which an operator tests
the subscription, is answered with its challenge, and brings nothing about.
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

OK, TAKEN, UNREADABLE, UNSIGNED, TOO_LARGE = 200, 204, 400, 401, 413
MAX_BYTES = 1024 * 1024
MAX_PAUSE_SECONDS = 60.0

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
    pause = 1.0
    while True:
        inbox.filled.clear()
        found = inbox.next()
        if found is None:
            inbox.filled.wait()
            continue
        number, delivery_id, body = found
        try:
            react(delivery_id, json.loads(body))
        except Exception as error:  # whatever it is, this thread is the only one that works
            print(f"{delivery_id}: {error!r}; trying again in {pause:g} s", flush=True)
            time.sleep(pause)
            pause = min(2 * pause, MAX_PAUSE_SECONDS)
        else:
            inbox.finish(number)
            pause = 1.0


class Door(BaseHTTPRequestHandler):
    inbox: Inbox
    webhook: Webhook
    timeout = 30  # seconds that a client may be silent

    def do_POST(self) -> None:
        try:
            body = self._body()  # the very bytes: what is parsed and written anew may differ
        except ValueError:
            return self._answer(UNREADABLE)
        if len(body) > MAX_BYTES:
            return self._answer(TOO_LARGE)
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            self.webhook.verify(body, headers)
            event = json.loads(body)
        except WebhookVerificationError:
            return self._answer(UNSIGNED)
        except ValueError:
            return self._answer(UNREADABLE)
        if event.get("event_type") == "PING":
            return self._answer(OK, str(event.get("challenge") or "").encode())
        self.inbox.put(headers["webhook-id"], body)
        return self._answer(TAKEN)

    def _body(self) -> bytes:
        """As much as may be, and a byte more; some proxies send chunks without a length."""
        if self.headers.get("transfer-encoding", "").lower() != "chunked":
            length = int(self.headers.get("content-length", "0"))
            if length < 0:
                raise ValueError("a negative length")
            return self.rfile.read(min(length, MAX_BYTES + 1))
        body = b""
        while size := int(self.rfile.readline(100).partition(b";")[0], 16):
            body += self.rfile.read(min(size, MAX_BYTES + 1 - len(body)))
            if len(body) > MAX_BYTES or self.rfile.readline(3) != b"\r\n":
                break
        return body

    def _answer(self, status: int, body: bytes = b"") -> None:
        self.close_connection = True  # the rest of a body that was refused may still be coming
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

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
