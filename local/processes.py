"""Worker processes, which a fork server starts: ``local.fork_server`` is the other side."""

import json
import os
import signal
import socket
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any

_LOST = -signal.SIGKILL
"""Status of the processes of a fork server that has died."""


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
