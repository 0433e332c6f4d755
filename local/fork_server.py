"""Fork server: a process from which functions' environments fork, once libraries are imported.

What all have imported is in memory once, and a new environment starts in a fraction of a second.
The module of the handler itself is imported by each environment, as on Lambda.
"""

import gc
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any

from local import service_models, worker

_READ_BYTES = 65536
_MAX_FDS = 3
_RUNTIME = "awslambdaric.lambda_runtime_marshaller"  # its client reads an address when imported
_SERVICES = ("dynamodb", "kms", "sqs")  # whose clients functions create

Request = Mapping[str, Any]
_LOST = -signal.SIGKILL
"""Status of the processes of a fork server that has died."""


def main() -> None:
    """Serve the requests of a socket, whose number is the argument; return in the children only."""
    channel = socket.socket(fileno=int(sys.argv[1]))
    woken, waker = socket.socketpair()
    for end in (woken, waker):
        end.setblocking(False)  # noqa: FBT003  its one parameter, by position
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(waker.fileno())
    request, fds = _serve(channel, woken)
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for end in (channel, woken, waker):
        end.close()
    _become(request, fds)
    worker.main()


def _serve(channel: socket.socket, woken: socket.socket) -> tuple[Request, list[int]]:
    """Fork for each request; return it in the child. Exit when the other end is closed."""
    while True:
        ready, _, _ = select.select([channel, woken], [], [])
        if woken in ready:
            with suppress(BlockingIOError):
                woken.recv(_READ_BYTES)
            _report_ended(channel)
        if channel not in ready:
            continue
        request, fds = _receive(channel)
        _preload(request["module"])
        pid = os.fork()
        if not pid:
            return request, fds
        for fd in fds:
            os.close(fd)
        _report(channel, {"pid": pid})


def _receive(channel: socket.socket) -> tuple[Request, list[int]]:
    """Receive one line of JSON, which comes with file descriptors."""
    line, fds, _, _ = socket.recv_fds(channel, _READ_BYTES, _MAX_FDS)
    while line and not line.endswith(b"\n"):
        line += channel.recv(_READ_BYTES)
    if not line:
        os._exit(0)
    return json.loads(line), fds


def _report_ended(channel: socket.socket) -> None:
    with suppress(ChildProcessError):  # there is none
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            _report(channel, {"ended": pid, "status": os.waitstatus_to_exitcode(status)})


def _report(channel: socket.socket, message: Mapping[str, int]) -> None:
    try:
        channel.sendall(json.dumps(message).encode() + b"\n")
    except OSError:  # the laptop has ended
        os._exit(0)


@cache  # once for each module
def _preload(module: str) -> None:
    """Import what a handler imports; what fails here fails in the environment, which reports it."""
    for name in (_RUNTIME, module):
        with suppress(Exception, SystemExit):
            importlib.import_module(name)
    sys.modules.pop(module, None)
    if "botocore.session" in sys.modules:
        _share_models()
    gc.collect()
    gc.freeze()  # a collection would write to what is shared


@cache
def _share_models() -> None:
    """Let all sessions to come read AWS's models of its services from one memory."""
    import botocore  # noqa: PLC0415  a function may do without
    import botocore.session  # noqa: PLC0415

    service_models.install()
    session = botocore.session.Session()
    loader = session.get_component("data_loader")
    session.set_credentials("none", "none")
    for service in _SERVICES:
        session.create_client(service, region_name="us-east-1", endpoint_url="http://127.0.0.1:9")
    botocore.register_initializer(lambda created: created.register_component("data_loader", loader))


def _become(request: Request, fds: list[int]) -> None:
    """Become a process like one that was started with these arguments and this environment."""
    os.setsid()  # Ctrl-C must reach only the laptop, which ends its workers
    for number, fd in enumerate(fds):
        os.dup2(fd, number)
        os.close(fd)
    os.environ.clear()  # noqa: TID251  the child's environment is the request's
    os.environ.update(request["env"])  # noqa: TID251
    time.tzset()
    os.chdir(request["cwd"])
    sys.argv = [worker.__name__, *request["arguments"]]


@dataclass(frozen=True)
class WorkerProcess:
    pid: int
    ended: Future[int] = field(default_factory=Future)  # with the exit status

    def kill(self) -> None:
        """End the process and all in its session, and wait."""
        if not self.ended.done():
            _kill(self.pid)
        self.ended.result()


def _kill(pid: int) -> None:
    for kill in (os.killpg, os.kill):  # it may not have its session yet
        with suppress(ProcessLookupError, PermissionError):
            kill(pid, signal.SIGKILL)


class ForkServer:
    """Fork server that runs while it has users; ``python`` and ``variables`` are its processes'."""

    def __init__(self, python: Path, variables: Mapping[str, str], *, sink: int) -> None:
        self._command = [str(python), "-m", "local.fork_server"]
        self._variables = variables
        self._sink = sink
        self._lock = Lock()
        self._users = 0

    def open(self) -> None:
        with self._lock:
            self._users += 1
            if self._users == 1:
                self._start()

    def close(self) -> None:
        """Stop if this was the last user."""
        with self._lock:
            self._users -= 1
            if self._users:
                return
            with suppress(OSError):  # it may have ended by itself
                self._channel.shutdown(socket.SHUT_RDWR)
            self._reader.join()

    def fork(
        self,
        module: str,
        arguments: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        fds: Sequence[int],
    ) -> WorkerProcess:
        """Start a worker with standard input, output and error; the module's imports are shared."""
        request = {"module": module, "arguments": arguments, "cwd": str(cwd), "env": dict(env)}
        line = json.dumps(request).encode() + b"\n"
        with self._lock:
            if not self._reader.is_alive():
                self._start()
            sent = socket.send_fds(self._channel, [line], fds)
            self._channel.sendall(line[sent:])
            process = self._forked.get()
        if process is None:
            raise OSError("the functions' fork server has ended")
        return process

    def _start(self) -> None:
        self._forked: SimpleQueue[WorkerProcess | None] = SimpleQueue()
        self._channel, theirs = socket.socketpair()
        with theirs:
            server = subprocess.Popen(
                [*self._command, str(theirs.fileno())],
                env=self._variables,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._sink,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        self._reader = Thread(
            target=self._read, args=(server, self._channel), name="fork server", daemon=True
        )
        self._reader.start()

    def _read(self, server: "subprocess.Popen[bytes]", channel: socket.socket) -> None:
        """Read until the server has ended; its processes then end, too."""
        running: dict[int, WorkerProcess] = {}
        with server, channel, suppress(OSError), channel.makefile("rb") as lines:
            for line in lines:
                self._take(json.loads(line), running)
        for process in running.values():
            _kill(process.pid)
            process.ended.set_result(_LOST)
        self._forked.put(None)

    def _take(self, message: Mapping[str, Any], running: dict[int, WorkerProcess]) -> None:
        if pid := message.get("pid"):
            running[pid] = WorkerProcess(pid)
            self._forked.put(running[pid])
        else:
            running.pop(message["ended"]).ended.set_result(message["status"])


if __name__ == "__main__":
    main()
