"""Process from which the environments of functions fork, once their libraries are imported.

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
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from typing import Any

from local import service_models, worker

_READ_BYTES = 65536
_MAX_FDS = 3
_RUNTIME = "awslambdaric.lambda_runtime_marshaller"  # its client reads an address when imported
_SERVICES = ("dynamodb", "kms", "sqs")  # whose clients functions create

Request = Mapping[str, Any]


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
        _tell(channel, {"pid": pid})


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
            _tell(channel, {"ended": pid, "status": os.waitstatus_to_exitcode(status)})


def _tell(channel: socket.socket, message: Mapping[str, int]) -> None:
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


if __name__ == "__main__":
    main()
