"""A DevLake: it notifies as the real one does, faults and all.

Its own words and signature, not ours; tests/integration/test_fake_devlake.py holds it to what Go
writes. https://github.com/apache/incubator-devlake/blob/main/backend/server/services/pipeline.go
"""

import hashlib
import json
import random
import string
from dataclasses import dataclass, field, replace
from http.client import HTTPConnection, HTTPException
from itertools import count
from threading import Event, Lock, Thread
from typing import Any
from urllib.parse import urlsplit

GO_ESCAPES = {
    "<": "\\u003c",
    ">": "\\u003e",
    "&": "\\u0026",
    "\u2028": "\\u2028",
    "\u2029": "\\u2029",
}
MILLISECONDS_A_STEP = 1785

_pipeline_ids = count(900_001)  # of all that one installation ever hears of


@dataclass(frozen=True)
class Row:
    """Of ``_devlake_pipelines``."""

    id: int
    project: str
    created_at: str
    updated_at: str
    status: str = "TASK_CREATED"
    began_at: str | None = None
    finished_at: str | None = None

    def body(self) -> str:
        said = {
            "ProjectName": self.project,
            "PipelineID": self.id,
            "CreatedAt": self.created_at,
            "UpdatedAt": self.updated_at,
            "BeganAt": self.began_at,
            "FinishedAt": self.finished_at,
            "Status": self.status,
        }
        text = json.dumps(said, ensure_ascii=False, separators=(",", ":"))
        return "".join(GO_ESCAPES.get(sign, sign) for sign in text)

    def shown(self) -> dict[str, Any]:
        """As the REST API does, which knows no project."""
        return {
            "id": self.id,
            "createdAt": self.created_at,
            "updatedAt": self.updated_at,
            "blueprintId": 0,
            "beganAt": self.began_at,
            "finishedAt": self.finished_at,
            "status": self.status,
        }


@dataclass(frozen=True)
class Notification:
    """Of ``_devlake_notifications``: what was sent, and what came back, if anything did."""

    target: str
    body: str
    status: int | None = None
    response: str = ""


@dataclass
class DevLake:
    """Each sending is one try. Nothing is done about an answer but to write it down."""

    endpoint: str
    secret: str
    notifications: list[Notification] = field(default_factory=list)
    _rows: dict[int, Row] = field(default_factory=dict)
    _goroutines: list[Thread] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)
    _notification_ids: Any = field(default_factory=lambda: count(1))
    _moments: Any = field(default_factory=lambda: count(0, MILLISECONDS_A_STEP))

    def create(self, project: str = "", *, scheduled: Event | None = None) -> int:
        """The notice goes out by a goroutine, which runs when it is ``scheduled``."""
        now = self._now()
        pipeline_id = next(_pipeline_ids)
        self._rows[pipeline_id] = Row(pipeline_id, project, now, now)
        goroutine = Thread(target=self._notify_when, args=(scheduled, pipeline_id), daemon=True)
        self._goroutines.append(goroutine)
        goroutine.start()
        return pipeline_id

    def run(self, pipeline_id: int) -> None:
        """Dequeue: what was finished stays so in the row, and the row is not called updated."""
        self._change(pipeline_id, status="TASK_RUNNING", began_at=self._now())
        self._notify(pipeline_id)

    def end(self, pipeline_id: int, status: str = "TASK_COMPLETED") -> None:
        finished_at = self._now()
        self._change(pipeline_id, status=status, finished_at=finished_at, updated_at=self._now())
        self._notify(pipeline_id)

    def rerun(self, pipeline_id: int) -> None:
        """Nobody is told."""
        self._change(pipeline_id, status="TASK_RERUN")

    def cancel_pending(self, pipeline_id: int) -> None:
        """Nobody is told."""
        self._change(pipeline_id, status="TASK_CANCELLED", updated_at=self._now())

    def pipelines(self) -> list[dict[str, Any]]:
        return [row.shown() for row in self._rows.values()]

    def join(self) -> None:
        """Return when every goroutine has come to its end."""
        for goroutine in self._goroutines:
            goroutine.join()

    def send_again(self, notification: Notification) -> None:
        """As whoever has seen it on its way could."""
        self._post(notification)

    def _notify_when(self, scheduled: Event | None, pipeline_id: int) -> None:
        if scheduled:
            scheduled.wait()
        self._notify(pipeline_id)

    def _notify(self, pipeline_id: int) -> None:
        """The row is read again, so it is told as it is by now."""
        body = self._rows[pipeline_id].body()
        drawn = "".join(random.choices(string.ascii_letters + string.digits, k=16))
        nouce = f"{next(self._notification_ids)}-{drawn}"
        sign = hashlib.sha256((body + self.secret + nouce).encode()).hexdigest()
        self._post(Notification(f"{self.endpoint}?nouce={nouce}&sign={sign}", body))

    def _post(self, notification: Notification) -> None:
        url = urlsplit(notification.target)
        connection = HTTPConnection(url.hostname or "", url.port)  # no timeout, as in Go
        try:
            connection.request(
                "POST",
                f"{url.path or '/'}?{url.query}",
                notification.body.encode(),
                {"content-type": "application/json"},
            )
            answer = connection.getresponse()
            notification = replace(
                notification, status=answer.status, response=answer.read().decode()
            )
        except (OSError, HTTPException):
            pass  # an error is logged, and that is all
        finally:
            connection.close()
        with self._lock:
            self.notifications.append(notification)

    def _change(self, pipeline_id: int, **changes: str) -> None:
        self._rows[pipeline_id] = replace(self._rows[pipeline_id], **changes)

    def _now(self) -> str:
        milliseconds = next(self._moments)
        seconds, rest = divmod(milliseconds, 1000)
        minutes, seconds = divmod(seconds, 60)
        fraction = f".{rest:03}".rstrip("0").rstrip(".")
        return f"2024-09-05T15:{minutes:02}:{seconds:02}{fraction}+08:00"
