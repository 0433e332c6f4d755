"""``python -m local up`` is the whole of Lakehook, and leaves nothing behind."""

import json
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import fields
from pathlib import Path
from typing import IO, Any

import boto3
import pytest
import requests

from lakehook.settings import StackOutputs
from local.__main__ import main
from local.function import ROOT
from local.http_server import PortTaken
from local.installation import LocalLakehook, Options
from tests.devlake.rest import serving_rest
from tests.devlake.server import DevLake
from tests.integration.eventually import PATIENCE, eventually
from tests.integration.test_local_runtime import alive

CHOSEN = (
    *("--allow-network", "127.0.0.0/8", "--retry-schedule", "0.5,1", "--console"),
    *("--devlake-api", "http://127.0.0.1:8080", "--devlake-source", "staging"),
)
PERMANENT_OUTPUTS = ("endpoint_url", "ingress_url", "api_url", "notification_secret")
UP = [sys.executable, "-m", "local", "up"]


@contextmanager
def up(
    *arguments: str, stderr: int | None = None
) -> Iterator[tuple["subprocess.Popen[str]", dict[str, Any]]]:
    """Run the command, and yield the process and the line that it prints when it is ready."""
    command = [*UP, "--port", "0", *arguments]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=stderr, text=True
    ) as process:
        try:
            yield process, json.loads(_stdout(process).readline())
        finally:
            process.kill()


def _stdout(process: "subprocess.Popen[str]") -> IO[str]:
    assert process.stdout
    return process.stdout


def descendants(pid: int) -> list[int]:
    listing = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True
    )
    pairs = [tuple(map(int, line.split())) for line in listing.stdout.splitlines()]
    pids = [pid]
    for parent in pids:  # their own come after them
        pids += [child for child, its_parent in pairs if its_parent == parent]
    return pids[1:]


def assert_has_every_address(where: dict[str, Any]) -> None:
    names = {field.name for field in fields(StackOutputs)}
    sqs = boto3.client(
        "sqs",
        endpoint_url=where["endpoint_url"],
        region_name="eu-north-1",
        aws_access_key_id="any",
        aws_secret_access_key="any",
    )

    other = {"endpoint_url", "region", "notification_secret", "console_url"}
    assert where.keys() == other | names
    assert requests.get(where["console_url"], timeout=PATIENCE).cookies
    assert where["allowed_networks"] == "127.0.0.0/8"
    assert where["devlake_api_url"] == "http://127.0.0.1:8080"
    assert where["devlake_sources"] == '{"staging": {}}'
    for name in names:
        if name.endswith("_queue_url"):
            assert sqs.get_queue_attributes(QueueUrl=where[name], AttributeNames=["QueueArn"])


def assert_ends_cleanly_by(number: signal.Signals, process: "subprocess.Popen[str]") -> None:
    """Assert that a signal ends the command and every worker with it."""
    workers = descendants(process.pid)
    assert len(workers) >= 5  # one of each function, and more where several were busy

    process.send_signal(number)

    assert process.wait(timeout=PATIENCE) == 0
    assert not any(alive(worker) for worker in workers)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--retry-schedule", "1,,2"], "retry schedule: '1,,2' is not seconds with commas"),
        (["--retry-schedule", "1,-2"], "retry schedule: -2 is not 0 to 604800 s"),
        (["--retry-schedule", "nan"], "retry schedule: 'nan' is not seconds with commas"),
        (["--clock-seconds", "0"], "'--clock-seconds': give seconds above 0"),
        (["--clock-seconds", "inf"], "'--clock-seconds': give seconds above 0"),
        (["--allow-network", "127.0.0.1/8"], "'--allow-network': 127.0.0.1/8 has host bits set"),
        (["--port", "65534"], "'--port': Input should be less than or equal to 65533"),
        (["--secret-file", "/no/such/secret"], "--secret-file: /no/such/secret: No such file"),
        (["--secret-file", "pyproject.toml"], "--secret-file: pyproject.toml: not one line with"),
        (
            ["--ca-file", "pyproject.toml"],
            "--ca-file: pyproject.toml: not one or more certificates",
        ),
        (["--hosts", "/no/such.json"], "'--hosts': /no/such.json: No such file or directory"),
        (["--hosts", "pyproject.toml"], "'--hosts': pyproject.toml: not a JSON object of names"),
        (["--devlake-api", "devlake:8080"], "'--devlake-api': not a URL such as https://"),
        (["--devlake-ui", "http://a:b@devlake"], "'--devlake-ui': not a URL such as https://"),
        (["--devlake-source", "a/b"], "'--devlake-source': 'a/b' is no name: give 1 to 32"),
        (["--devlake-source", "a=ftp://b"], "'--devlake-source': not a URL such as https://"),
        (["--colour"], "No such option: --colour"),
    ],
)
def test_a_wrong_argument_is_refused_in_one_line(
    arguments: list[str],
    complaint: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "argv", ["local", "up", *arguments])

    with pytest.raises(SystemExit) as ended:
        main()

    assert ended.value.code == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    (line,) = printed.err.splitlines()
    assert complaint in line


def test_a_busy_port_is_refused_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        ended = subprocess.run(
            [*UP, "--port", str(port)], cwd=ROOT, capture_output=True, text=True, check=False
        )

    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr == f"port {port} is in use by another program; give another --port\n"


def three_free_ports() -> int:
    """Find three free ports in a row, below the ephemeral ones, and return the first."""
    while True:
        first = random.randrange(20_000, 32_000)
        with ExitStack() as sockets, suppress(OSError):
            for port in (first, first + 1, first + 2):
                sockets.enter_context(socket.create_server(("127.0.0.1", port)))
            return first


def lakehook(where: dict[str, Any], *arguments: str) -> Any:
    """Run the command on the local cloud, and return the document that it prints."""
    environment = {
        "AWS_ENDPOINT_URL": where["endpoint_url"],
        "AWS_REGION": where["region"],
        "AWS_ACCESS_KEY_ID": "any",
        "AWS_SECRET_ACCESS_KEY": "any",
    }
    command = [sys.executable, "-m", "lakehook.cli", *arguments, "--output", "json"]
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=True)
    return json.loads(ended.stdout)


def test_after_a_kill_the_endpoint_has_the_same_address_and_missed_notices_are_reconciled(
    tmp_path: Path,
) -> None:
    port, secret_file = three_free_ports(), tmp_path / "secret"
    options = ("--port", str(port), "--secret-file", str(secret_file))
    devlake = DevLake(f"http://127.0.0.1:{port + 1}/")

    with up(*options, *CHOSEN) as (process, first):
        assert_has_every_address(first)
        devlake.secret = secret_file.read_text().strip()
        pipeline = devlake.create()
        devlake.run(pipeline)
        assert_no_worker_outlives(process)
    devlake.end(pipeline)
    with (
        up(*options, stderr=subprocess.PIPE) as (process, second),
        serving_rest(devlake.rest) as api,
    ):
        another = devlake.create()
        lakehook(second, "reconcile", "--devlake", api)
        eventually(lambda: event_types_of(second, pipeline) == ["CREATED", "RUNNING", "COMPLETED"])
        assert event_types_of(second, another) == ["CREATED"]
        assert_prints_instructions(process, second)

    assert devlake.answers == [202, 202, 0, 202]
    urls = [f"http://127.0.0.1:{port}", devlake.endpoint, f"http://127.0.0.1:{port + 2}/"]
    assert [[where[name] for name in PERMANENT_OUTPUTS] for where in (first, second)] == [
        [*urls, devlake.secret]
    ] * 2
    assert (len(devlake.secret), secret_file.stat().st_mode & 0o777) == (48, 0o600)


def assert_prints_instructions(process: "subprocess.Popen[str]", where: dict[str, Any]) -> None:
    assert_ends_cleanly_by(signal.SIGTERM, process)
    assert _stdout(process).read() == ""
    assert process.stderr
    printed = process.stderr.read()
    assert "What it holds is gone when it ends" in printed
    assert f"  export AWS_ENDPOINT_URL={where['endpoint_url']}\n  .venv/bin/lakehook lis" in printed


def assert_no_worker_outlives(process: "subprocess.Popen[str]") -> None:
    workers = descendants(process.pid)
    assert workers

    process.kill()

    eventually(lambda: not any(alive(worker) for worker in workers))


def event_types_of(where: dict[str, Any], pipeline: int) -> list[str]:
    history = requests.get(f"{where['api_url']}pipelines/{pipeline}", timeout=PATIENCE).json()
    return [event["event_type"].removeprefix("PIPELINE_") for event in history["events"]]


def test_a_busy_port_of_the_ingress_is_named() -> None:
    port = three_free_ports()
    with (
        socket.create_server(("127.0.0.1", port + 1)),
        pytest.raises(PortTaken, match=f"^port {port + 1} is in use by another program; give"),
        LocalLakehook(Options(port=port)),
    ):
        pass


def test_help_shows_an_example(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["local", "up", "--help"])

    with pytest.raises(SystemExit) as ended:
        main()

    assert ended.value.code == 0
    assert "Example: python -m local up --retry-schedule 1,2,4" in capsys.readouterr().out
