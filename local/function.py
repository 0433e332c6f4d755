"""Lambda function: an execution environment, a worker process, for each concurrent invocation."""

import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import TimeoutError as WaitedTooLong
from dataclasses import dataclass, field
from pathlib import Path
from threading import Condition, Lock, Thread
from typing import Any
from uuid import uuid4

from local import account
from local.cloudwatch import take_line
from local.fork_server import ForkServer
from local.provision import FunctionSpec
from local.runtime_api import Invocation, InvocationFailure, Result, RuntimeApi, RuntimeServer

ROOT = Path(__file__).parent.parent
THIS_PYTHON = Path(sys.executable)

_STDERR = 2
_LOG_SECONDS = 1.0  # for the last lines of a process that has ended
_ALLOCATOR = {"MALLOC_ARENA_MAX": "1"}
"""Of the fork server and what it forks. glibc would give each thread memory of its own."""

_INIT_SECONDS = 30
"""Seconds; Lambda allows 10, but a busy laptop may need more."""

_PATIENCE_SECONDS = 0.2
"""Seconds to wait for a busy process, since a new one takes most of a second; Lambda would not."""


@dataclass(frozen=True, kw_only=True)
class Host:
    """Settings of the machine that every worker gets.

    ``bundles`` holds a folder for each function as it is deployed. Then none of our other code is
    on the path, and ``python`` must have ``local.worker`` installed. ``calls`` is the file where
    the functions' AWS calls are recorded.
    """

    endpoint_url: str
    task_root: Path = ROOT
    bundles: Path | None = None
    python: Path = THIS_PYTHON
    sink: int = _STDERR
    variables: Mapping[str, str] = field(default_factory=dict)
    hosts: Path | None = None
    calls: Path | None = None
    _fork_servers: dict[str, ForkServer] = field(default_factory=dict, init=False, repr=False)
    _lock: Lock = field(default_factory=Lock, init=False, repr=False, compare=False)

    def fork_server_of(self, function: FunctionSpec) -> ForkServer:
        """Return the fork server of all functions that have the same code on their path."""
        path = self.python_path(function)
        with self._lock:
            if path not in self._fork_servers:
                variables = _variables_of_all(path) | _ALLOCATOR
                self._fork_servers[path] = ForkServer(self.python, variables, sink=self.sink)
            return self._fork_servers[path]

    def task_root_of(self, function: FunctionSpec) -> Path:
        return self.bundles / function.folder if self.bundles else self.task_root

    def python_path(self, function: FunctionSpec) -> str:
        roots = [] if self.bundles else [ROOT]
        return os.pathsep.join(str(path) for path in (self.task_root_of(function), *roots))


class Environment:
    """Environment that serves one invocation at a time, as on Lambda, until its process ends."""

    def __init__(self, function: FunctionSpec, host: Host, fork_server: ForkServer) -> None:
        self._timeout_seconds = function.timeout_seconds
        self._api = RuntimeApi(account.arn("lambda", f"function:{function.name}"))
        self._server = RuntimeServer(self._api)
        stdin, self._lifeline = os.pipe()
        log, stdout = os.pipe()
        try:
            self._process = fork_server.fork(
                function.module,
                [function.handler, *_files(host)],
                cwd=host.task_root_of(function),
                env=_lambdas_variables(function, host)
                | {"AWS_LAMBDA_RUNTIME_API": self._server.address},
                fds=(stdin, stdout, host.sink),
            )
        finally:
            os.close(stdin)
            os.close(stdout)
        self._logs = Thread(target=self._copy_log, args=(log, host.sink), name="log", daemon=True)
        self._logs.start()
        self._process.ended.add_done_callback(lambda ended: self._end(ended.result()))

    @property
    def alive(self) -> bool:
        return not self._process.ended.done()

    def wait_until_initialised(self) -> InvocationFailure | None:
        """Wait, and return None once the process has requested its first invocation."""
        try:
            return self._api.initialised.result(_INIT_SECONDS)
        except WaitedTooLong:
            self.kill()
            return InvocationFailure(
                "Sandbox.Timedout", f"not initialised after {_INIT_SECONDS} seconds"
            )

    def invoke(self, event: bytes) -> Result:
        if failure := self.wait_until_initialised():
            return failure
        invocation = Invocation(
            event, deadline_ms=int((time.time() + self._timeout_seconds) * 1000)
        )
        self._api.submit(invocation)
        try:
            return invocation.result.result(self._timeout_seconds)
        except WaitedTooLong:
            self.kill()
            message = f"Task timed out after {self._timeout_seconds:.2f} seconds"
            return InvocationFailure("Sandbox.Timedout", message)

    def kill(self) -> None:
        """End the process, and everything that the handler has started."""
        self._process.kill()
        self._logs.join(_LOG_SECONDS)

    def _copy_log(self, log: int, sink: int) -> None:
        """Copy the log to the sink, and its metrics to CloudWatch, as Lambda's log group does."""
        with open(log, "rb") as lines:
            for line in lines:
                os.write(sink, line)
                take_line(line)

    def _end(self, status: int) -> None:
        self._api.end(
            InvocationFailure("Runtime.ExitError", f"the process ended with status {status}")
        )
        self._server.close()
        os.close(self._lifeline)


def _files(host: Host) -> Iterator[str]:
    """Yield the arguments of ``local.worker`` after the handler."""
    for name in ("hosts", "calls"):
        if path := getattr(host, name):
            yield f"--{name}={path.absolute()}"


def _lambdas_variables(function: FunctionSpec, host: Host) -> dict[str, str]:
    """Return Lambda's variables.

    https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
    """
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return {
        **_variables_of_all(host.python_path(function)),
        **account.variables(host.endpoint_url),
        **function.environment,
        **host.variables,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_python{version}",
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": f"[$LATEST]{uuid4().hex}",
        "_HANDLER": function.handler,
        "LAMBDA_TASK_ROOT": str(host.task_root_of(function)),
    }


def _variables_of_all(python_path: str) -> dict[str, str]:
    variables = {
        "LANG": "C.UTF-8",
        "PATH": os.defpath,
        "PYTHONPATH": python_path,
        "TZ": ":UTC",
    }
    if sys.platform == "darwin":  # believed: CPython's issue 77906; we have no Mac
        # macOS ends a forked process that uses its frameworks, as the search for proxies does.
        variables |= {"OBJC_DISABLE_INITIALIZE_FORK_SAFETY": "YES", "no_proxy": "*"}
    return variables


def log_level() -> dict[str, str]:
    """Return the log level, the one variable of the user that the workers get."""
    level = os.environ.get("LOG_LEVEL")  # noqa: TID251  the laptop's door
    return {"LOG_LEVEL": level} if level else {}


class InitFailed(RuntimeError):
    """The function's module could not be loaded."""


class Function:
    def __init__(self, spec: FunctionSpec, host: Host, *, concurrency: int = 1) -> None:
        self._spec = spec
        self._host = host
        self._fork_server = host.fork_server_of(spec)
        self._concurrency = concurrency
        self._changed = Condition()
        self._environments: set[Environment] = set()
        self._idle: list[Environment] = []
        self._closed = False
        self._fork_server.open()

    def start(self) -> None:
        """Start initializing one environment, without waiting."""
        with self._changed:
            self._idle.append(self._add())

    def wait_until_initialised(self) -> None:
        for environment in list(self._environments):
            if failure := environment.wait_until_initialised():
                raise InitFailed(f"{self._spec.handler}: {failure}")

    def invoke(self, event: bytes | Mapping[str, Any]) -> Result:
        """Invoke once an environment is free, and return the result; the last used comes first."""
        payload = event if isinstance(event, bytes) else json.dumps(event).encode()
        environment = self._take()
        if environment is None:
            return InvocationFailure("Sandbox.Closed", "the function is closed")
        try:
            return environment.invoke(payload)
        finally:
            self._give_back(environment)

    def close(self) -> None:
        """End every process; invocations in progress fail."""
        with self._changed:
            was_open, self._closed = not self._closed, True
            environments = list(self._environments)
            self._changed.notify_all()
        for environment in environments:
            environment.kill()
        if was_open:
            self._fork_server.close()

    def _take(self) -> Environment | None:
        with self._changed:
            self._changed.wait_for(self._at_hand, timeout=_PATIENCE_SECONDS)
            self._changed.wait_for(self._possible)
            if self._closed:
                return None
            return self._idle.pop() if self._idle else self._add()

    def _at_hand(self) -> bool:
        self._remove_dead_environments()
        return bool(self._idle) or not self._environments or self._closed

    def _possible(self) -> bool:
        return self._at_hand() or len(self._environments) < self._concurrency

    def _add(self) -> Environment:
        environment = Environment(self._spec, self._host, self._fork_server)
        self._environments.add(environment)
        return environment

    def _give_back(self, environment: Environment) -> None:
        with self._changed:
            self._idle.append(environment)
            self._remove_dead_environments()
            self._changed.notify_all()

    def _remove_dead_environments(self) -> None:
        self._idle = [environment for environment in self._idle if environment.alive]
        self._environments = {kept for kept in self._environments if kept.alive}
