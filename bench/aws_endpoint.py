"""AWS on loopback: an endpoint that stores nothing and answers each call at once.

``python -m bench.aws_endpoint`` reads the answers of single operations first, as JSON in a line,
and prints its port.
"""

import asyncio
import json
import re
import sys
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from bench.receiver import Receiver, server_process

_OPERATION = re.compile(rb"x-amz-target: *\w+\.(\w+)", re.IGNORECASE)
_answers: dict[bytes, bytes] = {}


class Endpoint(Receiver):
    def _answer(self, request: bytes) -> None:
        match = _OPERATION.search(request)
        operation = match[1] if match else b""
        if operation == b"BatchExecuteStatement":  # an answer for each statement
            body = b'{"Responses":[%b]}' % b",".join([b"{}"] * request.count(b'"Statement"'))
        else:
            body = _answers.get(operation, b'{"Responses":{}}' if b"Get" in operation else b"{}")
        self._transport.write(
            b"HTTP/1.1 200 OK\r\nx-amzn-requestid: 1\r\ncontent-type: application/x-amz-json-1.0"
            b"\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)
        )


def _base64(value: bytes) -> str:
    """Encode as DynamoDB and KMS do."""
    return b64encode(value).decode()


@contextmanager
def aws_endpoint(answers: Mapping[str, Any]) -> Iterator[str]:
    """Yield the URL of an endpoint with these answers."""
    settings = json.dumps(answers, default=_base64)
    with server_process("bench.aws_endpoint", settings=settings) as url:
        yield url


async def main() -> None:
    answers = json.loads(sys.stdin.readline())
    _answers.update((name.encode(), json.dumps(body).encode()) for name, body in answers.items())
    server = await asyncio.get_running_loop().create_server(Endpoint, "127.0.0.1", 0, backlog=128)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
