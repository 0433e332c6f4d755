"""Receivers in docs/examples verify, answer at once, drop repeats and react."""

import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.error import HTTPError

import pytest

from lakehook.domain.channels.webhook import render, request_headers
from lakehook.domain.event import EventType
from lakehook.domain.queue_message import Ping
from lakehook.domain.signing import HmacSecret
from tests.builders import a_delivery
from tests.integration.eventually import eventually
from tests.integration.wire import serving
from tests.interop.node import HERE, program

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples" / "receivers"
SECRET, STRANGE = HmacSecret(b"s" * 32), HmacSecret(b"t" * 32)
ACCEPTED, UNREADABLE, UNSIGNED, TOO_LARGE = 204, 400, 401, 413

CREATED, RUNNING, COMPLETED = "PIPELINE_CREATED", "PIPELINE_RUNNING", "PIPELINE_COMPLETED"


@dataclass
class CalledService:
    """A service that the receivers call, and its requests; it fails the first ``away`` calls."""

    url: str = ""
    requests: list[tuple[str, str | None, Any]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    away: int = 0  # written by the test alone, read by the server's threads

    def record(self, method: str, key: str | None, body: bytes) -> int:
        self.calls.append(method)
        if len(self.calls) <= self.away:
            return 503
        self.requests.append((method, key, json.loads(body)))
        return 200


@pytest.fixture
def service() -> Iterator[CalledService]:
    service = CalledService()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            self.send_response(service.record(self.command, self.headers["idempotency-key"], body))
            self.end_headers()

        do_PUT = do_POST  # noqa: N815  the server asks for it by this name

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        service.url = f"http://127.0.0.1:{server.server_port}/"
        yield service
        server.shutdown()


@dataclass(frozen=True)
class Example:
    url: str
    process: subprocess.Popen[str]

    def post(
        self, sequence: int, event_type: str, secret: HmacSecret = SECRET, **changes: Any
    ) -> int:
        delivery = a_delivery(sequence, event_type=event_type, **changes)
        return self.send(delivery.id, render(delivery), secret)[0]

    def ping(self, challenge: str | None = None) -> tuple[int, bytes]:
        ping = Ping("sub_a", "p1", "2026-01-01T12:00:00+00:00", challenge=challenge)
        return self.send("ping_1", ping.body)

    def send(
        self,
        message_id: str,
        body: bytes,
        secret: HmacSecret = SECRET,
        *,
        chunks: Iterable[bytes] | None = None,
    ) -> tuple[int, bytes]:
        now = datetime.now(UTC).timestamp()  # noqa: TID251
        headers = request_headers(message_id=message_id, at=now, body=body, secrets=[secret])
        request = urllib.request.Request(self.url, chunks or body, headers)
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return int(answer.status), answer.read()
        except HTTPError as refused:
            with refused:
                return refused.code, b""

    def abandon(self, start: bytes) -> None:
        """Open a request, and close the connection before its end."""
        port = int(self.url.rstrip("/").rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(start)


Run = Callable[..., Example]


@contextmanager
def running(command: Sequence[object], cwd: Path, **variables: str) -> Iterator[Example]:
    shutil.copytree(EXAMPLES, cwd, dirs_exist_ok=True)  # as their reader does: no checkout
    process = subprocess.Popen(
        [str(word) for word in command],
        cwd=cwd,
        env={
            "PATH": os.environ["PATH"],  # noqa: TID251  a command hands it on
            "HOME": str(Path.home()),
            "WEBHOOK_SECRET": SECRET.reveal(),
            "PORT": "0",
            **variables,
        },
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    try:
        line = process.stdout.readline()
        assert line.startswith("listening at "), line
        yield Example(f"http://127.0.0.1:{line.split()[-1]}/", process)
    finally:
        process.kill()
        process.communicate()


def script(name: str) -> list[object]:
    return [sys.executable, f"{name}.py"]


def test_a_job_starts_once_when_its_pipeline_runs_also_when_the_ci_was_away(
    service: CalledService, tmp_path: Path
):
    service.away = 1
    with running(script("start_ci_job"), tmp_path, CI_URL=service.url) as example:
        answers = [
            example.post(1, CREATED),
            example.post(2, RUNNING),
            example.post(2, RUNNING),
            example.post(2, RUNNING, STRANGE, pipeline_id=40),
            example.post(3, COMPLETED),
            example.post(2, RUNNING, pipeline_id=41),
        ]
        eventually(lambda: len(service.requests) == 2)

    assert answers == [ACCEPTED, ACCEPTED, ACCEPTED, UNSIGNED, ACCEPTED, ACCEPTED]
    assert service.requests == [
        ("POST", "sub_a#39#2", {"pipeline": 39, "project": "湖"}),
        ("POST", "sub_a#41#2", {"pipeline": 41, "project": "湖"}),
    ]


def test_capacity_follows_the_running_pipelines_through_a_restart_and_a_late_letter(
    service: CalledService, tmp_path: Path
):
    with running(script("scale_capacity"), tmp_path, SCALER_URL=service.url) as example:
        for pipeline in range(5):
            example.post(2, RUNNING, pipeline_id=pipeline)
        eventually(lambda: len(service.requests) == 5)
    with running(script("scale_capacity"), tmp_path, SCALER_URL=service.url) as example:
        example.post(3, COMPLETED, pipeline_id=0)
        example.post(3, COMPLETED, pipeline_id=5)
        example.post(2, RUNNING, pipeline_id=5)  # late: it has ended
        eventually(lambda: workers(service)[-3:] == [1, 1, 1])

    assert {method for method, _, _ in service.requests} == {"PUT"}
    assert workers(service)[:5] == [1, 1, 1, 1, 2]
    assert workers(service)[5:] in (
        [1, 1, 1],
        [2, 1, 1, 1],
    )  # killed before it recorded its request


def workers(service: CalledService) -> list[int]:
    return [body["workers"] for _, _, body in service.requests]


def test_a_page_shows_the_newest_state_of_each_pipeline_also_after_a_restart(tmp_path: Path):
    def states(example: Example) -> dict[str, str]:
        with urllib.request.urlopen(f"{example.url}pipelines", timeout=120) as answer:
            return {
                str(pipeline["pipeline_id"]): pipeline["event_type"]
                for pipeline in json.load(answer)
            }

    expected = {"39": RUNNING, "40": CREATED}
    with running(script("feed_front_end"), tmp_path) as example:
        example.post(2, RUNNING)
        example.post(1, CREATED)
        example.post(1, CREATED, pipeline_id=40)
        eventually(lambda: states(example) == expected)
    with running(script("feed_front_end"), tmp_path) as example:
        eventually(lambda: states(example) == expected)  # it may have been killed before the last


def test_an_alert_is_sent_for_a_stalled_pipeline_and_no_other(
    service: CalledService, tmp_path: Path
):
    with running(script("alert_on_stall"), tmp_path, ALERT_URL=service.url) as example:
        example.post(1, CREATED)
        example.post(2, "PIPELINE_STALLED", message="created for 15 minutes")
        eventually(lambda: len(service.requests) == 1)

    assert service.requests == [
        ("POST", "sub_a#39#2", {"text": "Pipeline 39 (湖): created for 15 minutes"})
    ]


def test_a_delivery_accepted_before_a_crash_is_processed_after_it(
    service: CalledService, tmp_path: Path
):
    service.away = 10**6
    with running(script("start_ci_job"), tmp_path, CI_URL=service.url) as example:
        assert example.post(2, RUNNING) == ACCEPTED
    service.away = 0
    with running(script("start_ci_job"), tmp_path, CI_URL=service.url):
        eventually(lambda: bool(service.requests))

    # A request under way from the killed process may arrive too; its key is the same.
    assert {key for _, key, _ in service.requests} == {"sub_a#39#2"}


def node(tmp_path: Path) -> list[object]:
    modules = HERE / "node_modules"
    if not modules.exists():
        pytest.skip("the library for JavaScript is not here: make install brings it")
    (tmp_path / "node_modules").symlink_to(modules)
    return [program(), "verify.mjs"]


def go(tmp_path: Path) -> list[object]:
    if not shutil.which("go", path=PATH_WITH_GO):
        pytest.skip("there is no Go on this machine")
    shutil.copytree(EXAMPLES / "go", tmp_path / "go")
    built = subprocess.run(
        ["go", "build", "-o", tmp_path / "verify", "."],
        cwd=tmp_path / "go",
        env={
            "PATH": PATH_WITH_GO,
            "HOME": str(Path.home()),
            "GOFLAGS": "-mod=mod",
            "GOPROXY": "off",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    if "module lookup disabled" in built.stderr:
        pytest.skip("the library for Go is not here: go mod download brings it")
    assert built.returncode == 0, built.stderr
    return [tmp_path / "verify"]


PATH_WITH_GO = os.pathsep.join([os.environ["PATH"], "/usr/local/go/bin"])  # noqa: TID251


@pytest.mark.parametrize("command", [node, go])
def test_receivers_in_other_languages_verify_and_drop_repeats(
    command: Callable[[Path], list[object]], tmp_path: Path
):
    with running(command(tmp_path), tmp_path) as example:
        answers = [
            example.post(1, CREATED),
            example.post(1, CREATED),
            example.post(1, CREATED, STRANGE, pipeline_id=40),
            example.post(2, RUNNING),
        ]
        assert example.process.stdout
        lines = [example.process.stdout.readline().strip() for _ in range(2)]

    assert answers == [ACCEPTED, ACCEPTED, UNSIGNED, ACCEPTED]
    assert lines == ["39 #1 PIPELINE_CREATED", "39 #2 PIPELINE_RUNNING"]


@pytest.mark.parametrize("name", ["start_ci_job", "scale_capacity", "feed_front_end"])
def test_every_kind_of_delivery_is_accepted_and_processed(
    name: str, service: CalledService, tmp_path: Path
):
    """A ping, tasks, stalls, inferred events, and text that is no JSON by a template."""
    urls = {"CI_URL": service.url, "SCALER_URL": service.url}
    with running(script(name), tmp_path, **urls) as example:
        assert example.ping() == (200, b"")
        assert example.ping("echo me") == (200, b"echo me")
        statuses = [
            example.post(number, event_type, inferred=True, task={"id": 1})
            for number, event_type in enumerate(EventType, start=1)
        ]
        unreadable, _ = example.send("sub_a#39#99", b"pipeline 39 has failed")
        eventually(lambda: waiting(tmp_path) == 0)

    assert statuses == [ACCEPTED] * len(EventType)
    assert unreadable == UNREADABLE


def test_a_failed_reaction_is_repeated_and_delays_no_response(tmp_path: Path):
    """The called service speaks another protocol at first."""
    answers = [b"SSH-2.0-x\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"]
    with (
        serving(*answers) as wire,
        running(script("start_ci_job"), tmp_path, CI_URL=wire.url) as example,
    ):
        assert example.post(1, RUNNING) == ACCEPTED
        eventually(lambda: waiting(tmp_path) == 0)


def waiting(folder: Path) -> int:
    with closing(sqlite3.connect(folder / "inbox.sqlite")) as inbox:
        return int(inbox.execute("SELECT count(*) FROM inbox WHERE NOT done").fetchone()[0])


HEAD = b"POST / HTTP/1.1\r\nhost: x\r\n"
BROKEN = (
    HEAD + b"content-length: 1000\r\n\r\npartial",
    HEAD + b"content-length: many\r\n\r\n",
    HEAD + b"content-length: -1\r\n\r\n",
    HEAD + b"transfer-encoding: chunked\r\n\r\nzz\r\n",
    HEAD + b"transfer-encoding: chunked\r\n\r\n5\r\nab",
    b"\x16\x03\x01",
    b"",
)


def python(_: Path) -> list[object]:
    return script("feed_front_end")


@pytest.mark.parametrize("command", [python, node, go])
def test_a_broken_client_ends_no_receiver(command: Callable[[Path], list[object]], tmp_path: Path):
    with running(command(tmp_path), tmp_path) as example:
        for start in BROKEN:
            example.abandon(start)
        too_large, _ = example.send("sub_a#39#1", b" " * 2_000_000)

        assert too_large in {TOO_LARGE, UNSIGNED}
        assert example.ping("echo me") == (200, b"echo me")
        assert example.post(1, CREATED) == ACCEPTED
        assert example.process.poll() is None


@pytest.mark.parametrize("command", [python, node, go])
def test_a_body_that_a_proxy_sends_in_chunks_is_taken(
    command: Callable[[Path], list[object]], tmp_path: Path
):
    delivery = a_delivery(1, event_type=CREATED)
    body = render(delivery)

    with running(command(tmp_path), tmp_path) as example:
        status, _ = example.send(delivery.id, body, chunks=[body[:10], body[10:]])

    assert status == ACCEPTED
