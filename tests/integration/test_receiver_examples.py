"""The receivers in docs/examples do what they say: verify, answer at once, drop repeats, react."""

import json
import os
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.error import HTTPError

import pytest

from lakehook.domain.secret import Secret
from lakehook.domain.webhook import render, request_headers
from tests.builders import a_delivery
from tests.integration.eventually import eventually
from tests.interop.node import HERE, program

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples" / "receivers"
SECRET, STRANGE = Secret(b"s" * 32), Secret(b"t" * 32)
TAKEN, UNSIGNED = 204, 401

CREATED, RUNNING, COMPLETED = "PIPELINE_CREATED", "PIPELINE_RUNNING", "PIPELINE_COMPLETED"


@dataclass
class Told:
    """What the one who is told of it has heard; it is away for so many calls."""

    url: str = ""
    heard: list[tuple[str, str | None, Any]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    away: int = 0  # written by the test alone, read by the server's threads

    def hear(self, method: str, key: str | None, body: bytes) -> int:
        self.calls.append(method)
        if len(self.calls) <= self.away:
            return 503
        self.heard.append((method, key, json.loads(body)))
        return 200


@pytest.fixture
def told() -> Iterator[Told]:
    told = Told()

    class Ear(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            self.send_response(told.hear(self.command, self.headers["idempotency-key"], body))
            self.end_headers()

        do_PUT = do_POST  # noqa: N815  the server asks for it by this name

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Ear) as server:
        Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        told.url = f"http://127.0.0.1:{server.server_port}/"
        yield told
        server.shutdown()


@dataclass(frozen=True)
class Example:
    url: str
    process: subprocess.Popen[str]

    def post(self, sequence: int, event_type: str, secret: Secret = SECRET, **changes: Any) -> int:
        delivery = a_delivery(sequence, event_type=event_type, **changes)
        body, now = render(delivery), datetime.now(UTC).timestamp()  # noqa: TID251
        headers = request_headers(message_id=delivery.id, at=now, body=body, secrets=[secret])
        request = urllib.request.Request(self.url, body, headers)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return int(answer.status)
        except HTTPError as refused:
            with refused:
                return refused.code


Run = Callable[..., Example]


@contextmanager
def running(command: Sequence[object], cwd: Path, **variables: str) -> Iterator[Example]:
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
        said = process.stdout.readline()
        assert said.startswith("listening at "), said
        yield Example(f"http://127.0.0.1:{said.split()[-1]}/", process)
    finally:
        process.kill()
        process.communicate()


def script(name: str) -> list[object]:
    return [sys.executable, EXAMPLES / f"{name}.py"]


def test_a_job_starts_once_when_its_pipeline_runs_also_when_the_ci_was_away(
    told: Told, tmp_path: Path
):
    told.away = 1
    with running(script("start_ci_job"), tmp_path, CI_URL=told.url) as example:
        answers = [
            example.post(1, CREATED),
            example.post(2, RUNNING),
            example.post(2, RUNNING),
            example.post(2, RUNNING, STRANGE, pipeline_id=40),
            example.post(3, COMPLETED),
            example.post(2, RUNNING, pipeline_id=41),
        ]
        eventually(lambda: len(told.heard) == 2)

    assert answers == [TAKEN, TAKEN, TAKEN, UNSIGNED, TAKEN, TAKEN]
    assert told.heard == [
        ("POST", "sub_a#39#2", {"pipeline": 39, "project": "湖"}),
        ("POST", "sub_a#41#2", {"pipeline": 41, "project": "湖"}),
    ]


def test_capacity_follows_the_running_pipelines_through_a_restart_and_a_late_letter(
    told: Told, tmp_path: Path
):
    with running(script("scale_capacity"), tmp_path, SCALER_URL=told.url) as example:
        for pipeline in range(5):
            example.post(2, RUNNING, pipeline_id=pipeline)
        eventually(lambda: len(told.heard) == 5)
    with running(script("scale_capacity"), tmp_path, SCALER_URL=told.url) as example:
        example.post(3, COMPLETED, pipeline_id=0)
        example.post(3, COMPLETED, pipeline_id=5)
        example.post(2, RUNNING, pipeline_id=5)  # late: it has ended
        eventually(lambda: workers(told)[-3:] == [1, 1, 1])

    assert {method for method, _, _ in told.heard} == {"PUT"}
    assert workers(told)[:5] == [1, 1, 1, 1, 2]
    assert workers(told)[5:] in ([1, 1, 1], [2, 1, 1, 1])  # killed before it knew it had told


def workers(told: Told) -> list[int]:
    return [said["workers"] for _, _, said in told.heard]


def test_a_page_shows_the_newest_state_of_each_pipeline_also_after_a_restart(tmp_path: Path):
    def shown(example: Example) -> dict[str, str]:
        with urllib.request.urlopen(f"{example.url}pipelines", timeout=10) as answer:
            return {str(one["pipeline_id"]): one["event_type"] for one in json.load(answer)}

    wanted = {"39": RUNNING, "40": CREATED}
    with running(script("feed_front_end"), tmp_path) as example:
        example.post(2, RUNNING)
        example.post(1, CREATED)
        example.post(1, CREATED, pipeline_id=40)
        eventually(lambda: shown(example) == wanted)
    with running(script("feed_front_end"), tmp_path) as example:
        eventually(lambda: shown(example) == wanted)  # it may have been killed before the last


def test_people_are_told_of_a_pipeline_that_hangs_and_of_no_other(told: Told, tmp_path: Path):
    with running(script("alert_on_stall"), tmp_path, ALERT_URL=told.url) as example:
        example.post(1, CREATED)
        example.post(2, "PIPELINE_STALLED", message="created for 15 minutes")
        eventually(lambda: len(told.heard) == 1)

    assert told.heard == [
        ("POST", "sub_a#39#2", {"text": "Pipeline 39 (湖): created for 15 minutes"})
    ]


def test_what_was_taken_before_a_crash_is_worked_off_after_it(told: Told, tmp_path: Path):
    told.away = 10**6
    with running(script("start_ci_job"), tmp_path, CI_URL=told.url) as example:
        assert example.post(2, RUNNING) == TAKEN
    told.away = 0
    with running(script("start_ci_job"), tmp_path, CI_URL=told.url):
        eventually(lambda: bool(told.heard))

    # What was on its way from the one that was killed may be heard too; its key is the same.
    assert {key for _, key, _ in told.heard} == {"sub_a#39#2"}


def node(tmp_path: Path) -> list[object]:
    modules = HERE / "node_modules"
    if not modules.exists():
        pytest.skip("the library for JavaScript is not here: make install brings it")
    (tmp_path / "node_modules").symlink_to(modules)
    shutil.copy(EXAMPLES / "verify.mjs", tmp_path)
    return [program(), "verify.mjs"]


def go(tmp_path: Path) -> list[object]:
    if not shutil.which("go", path=PATH_WITH_GO):
        pytest.skip("there is no Go on this machine")
    built = subprocess.run(
        ["go", "build", "-o", tmp_path / "verify", "."],
        cwd=EXAMPLES / "go",
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
        said = [example.process.stdout.readline().strip() for _ in range(2)]

    assert answers == [TAKEN, TAKEN, UNSIGNED, TAKEN]
    assert said == ["39 #1 PIPELINE_CREATED", "39 #2 PIPELINE_RUNNING"]
