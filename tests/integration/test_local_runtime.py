"""Functions run in worker processes under awslambdaric, one invocation each, as on Lambda."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from local.function import ROOT, Function, Host, InitFailed
from local.provision import FunctionSpec
from local.runtime_api import InvocationFailure, InvocationResult
from tests.integration.eventually import eventually

HANDLERS = '''
import os, sys, time
from pathlib import Path

def echo(event, context):
    return {
        "event": event,
        "pid": os.getpid(),
        "parent": os.getppid(),
        "function": context.function_name,
        "arn": context.invoked_function_arn,
        "memory": context.memory_limit_in_mb,
        "remaining_ms": context.get_remaining_time_in_millis(),
    }

def environment(event, context):
    return dict(os.environ)

def refuse(event, context):
    raise ValueError("no: " + event["why"])

def leave(event, context):
    if event["leave"]:
        sys.exit(3)
    return "stayed"

def hang(event, context):
    Path(event["pid_file"]).write_text(str(os.getpid()))
    time.sleep(3600)

def meet(event, context):
    """Return only when as many processes as expected are inside at the same time."""
    met = Path(event["met"])
    (met / str(os.getpid())).touch()
    while len(list(met.iterdir())) < event["expected"]:
        time.sleep(0.01)
    return os.getpid()
'''

Start = Callable[..., Function]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a function whose handler is one of the above; all end with the test."""
    (tmp_path / "handlers.py").write_text(HANDLERS, encoding="utf-8")
    functions: list[Function] = []

    def start_function(
        handler: str, *, timeout_seconds: float = 120, concurrency: int = 1, **host: Any
    ) -> Function:
        function = Function(
            FunctionSpec(
                name="sample",
                handler=f"handlers.{handler}",
                environment={"TABLE": "subscriptions"},
                timeout_seconds=timeout_seconds,
                memory_mb=256,
            ),
            Host(endpoint_url="http://127.0.0.1:9", task_root=tmp_path, **host),
            concurrency=concurrency,
        )
        functions.append(function)
        function.start()
        function.wait_until_initialised()
        return function

    yield start_function
    for function in functions:
        function.close()


def payload_of(result: object) -> Any:
    assert isinstance(result, InvocationResult), result
    return json.loads(result.payload)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_handler_gets_the_event_and_lambdas_context(start: Start) -> None:
    function = start("echo", timeout_seconds=20)

    answer = payload_of(function.invoke({"name": "Zoë"}))

    assert answer["event"] == {"name": "Zoë"}
    assert answer["function"] == "sample"
    assert answer["arn"] == "arn:aws:lambda:us-east-1:123456789012:function:sample"
    assert answer["memory"] == "256"
    assert 0 < answer["remaining_ms"] <= 20_000


def test_an_event_of_lambdas_greatest_size_goes_there_and_back(start: Start) -> None:
    function = start("echo")
    event = {"body": "é" * 3_000_000}

    assert (
        payload_of(function.invoke(json.dumps(event, ensure_ascii=False).encode()))["event"]
        == event
    )


def test_invocations_at_once_each_have_a_process(start: Start, tmp_path: Path) -> None:
    function = start("meet", concurrency=3)
    met = tmp_path / "met"
    met.mkdir()

    with ThreadPoolExecutor() as callers:
        event = {"met": str(met), "expected": 3}
        pids = [payload_of(result) for result in callers.map(function.invoke, [event] * 3)]

    assert len(set(pids)) == 3


def test_an_exception_is_a_failure_with_its_type_and_message(start: Start) -> None:
    function = start("refuse")

    assert function.invoke({"why": "closed"}) == InvocationFailure("ValueError", "no: closed")


def test_a_process_that_ends_fails_the_invocation_and_is_replaced(start: Start) -> None:
    function = start("leave")

    assert function.invoke({"leave": True}) == InvocationFailure(
        "Runtime.ExitError", "the process ended with status 3"
    )
    assert payload_of(function.invoke({"leave": False})) == "stayed"


def test_another_fork_server_follows_one_that_has_ended(start: Start) -> None:
    function = start("echo")
    answer = payload_of(function.invoke({}))

    os.kill(answer["parent"], signal.SIGKILL)
    eventually(lambda: not any(environment.alive for environment in function._environments))

    assert payload_of(function.invoke({}))["parent"] != answer["parent"]


def test_a_handler_out_of_time_is_killed(start: Start, tmp_path: Path) -> None:
    function = start("hang", timeout_seconds=0.5)
    (process,) = list(function._environments)

    assert function.invoke({"pid_file": str(tmp_path / "pid")}) == InvocationFailure(
        "Sandbox.Timedout", "Task timed out after 0.50 seconds"
    )
    assert not process.alive


@pytest.mark.parametrize(
    ("handler", "kind"),
    [("missing", "Runtime.HandlerNotFound"), ("nowhere.at_all", "Runtime.ImportModuleError")],
)
def test_a_handler_that_cannot_be_loaded_is_an_error_at_the_start(
    start: Start, handler: str, kind: str
) -> None:
    with pytest.raises(InitFailed, match=kind):
        start(handler)


def test_a_worker_sees_lambdas_environment_and_nothing_of_the_users(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "theirs")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    function = start("environment", variables={"LOG_LEVEL": "DEBUG"})

    environment = payload_of(function.invoke({}))

    assert "AWS_PROFILE" not in environment
    assert "HTTPS_PROXY" not in environment
    assert environment["TABLE"] == "subscriptions"
    assert environment["LOG_LEVEL"] == "DEBUG"
    assert environment["AWS_ENDPOINT_URL"] == "http://127.0.0.1:9"
    assert environment["AWS_LAMBDA_FUNCTION_NAME"] == "sample"
    assert environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "256"


def test_closing_ends_running_invocations(start: Start, tmp_path: Path) -> None:
    function = start("hang")
    pid_file = tmp_path / "pid"

    with ThreadPoolExecutor() as callers:
        running = callers.submit(function.invoke, {"pid_file": str(pid_file)})
        eventually(lambda: pid_file.exists() and pid_file.read_text())
        function.close()

    assert isinstance(running.result(), InvocationFailure)
    assert not alive(int(pid_file.read_text()))


STARTER = """
import sys
from pathlib import Path
from local.function import Host
from local.function import Function
from local.provision import FunctionSpec

spec = FunctionSpec(
    name="sample", handler="handlers.hang", environment={}, timeout_seconds=60, memory_mb=128
)
function = Function(spec, Host(endpoint_url="http://127.0.0.1:9", task_root=Path(sys.argv[1])))
function.start()
function.invoke({"pid_file": sys.argv[2]})
"""


def test_even_a_busy_worker_ends_when_its_starter_is_killed(tmp_path: Path) -> None:
    (tmp_path / "handlers.py").write_text(HANDLERS, encoding="utf-8")
    pid_file = tmp_path / "pid"
    arguments = [sys.executable, "-c", STARTER, str(tmp_path), str(pid_file)]

    with subprocess.Popen(arguments, cwd=ROOT) as starter:
        eventually(lambda: pid_file.exists() and pid_file.read_text())
        starter.kill()

    eventually(lambda: not alive(int(pid_file.read_text())))
