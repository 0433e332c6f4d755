"""A receiver that costs next to nothing: it reads a request, waits as its path asks, sends 200.

``python -m bench.receiver`` prints its port first. ``/slow/200`` answers after 200 ms, ``/hang``
never, and ``GET /count`` how many requests have come.
"""

import asyncio
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_WAIT = re.compile(rb"POST /slow/(\d+)")


class Receiver(asyncio.Protocol):
    requests = 0  # of all connections

    def __init__(self) -> None:
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (end := self._end()) is not None:
            request, self._received = self._received[:end], self._received[end:]
            self._answer(request)

    def _end(self) -> int | None:
        """Return where the first request ends, if all of it has come."""
        head = self._received.find(b"\r\n\r\n")
        if head < 0:
            return None
        length = _LENGTH.search(self._received, 0, head)
        end = head + 4 + (int(length[1]) if length else 0)
        return end if len(self._received) >= end else None

    def _answer(self, request: bytes) -> None:
        if request.startswith(b"GET /count"):
            self._transport.write(_count_response(Receiver.requests))
            return
        Receiver.requests += 1
        if request.startswith(b"POST /hang"):
            return
        if wait := _WAIT.match(request):
            asyncio.get_running_loop().call_later(int(wait[1]) / 1000, self._respond)
        else:
            self._respond()

    def _respond(self) -> None:
        if not self._transport.is_closing():
            self._transport.write(_ANSWER)


def _count_response(requests: int) -> bytes:
    body = str(requests).encode()
    return b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (
        len(body),
        body,
    )


@contextmanager
def running_receiver() -> Iterator[str]:
    """Yield the URL of a receiver."""
    with server_process("bench.receiver") as url:
        yield url


@contextmanager
def server_process(*module: str, settings: str = "") -> Iterator[str]:
    """Yield the URL of a module run in its own process, whose CPU is not measured."""
    command, pipe = [sys.executable, "-m", *module], subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdin
        assert process.stdout
        print(settings, file=process.stdin, flush=True)
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.kill()


async def main() -> None:
    server = await asyncio.get_running_loop().create_server(Receiver, "127.0.0.1", 0, backlog=128)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
