"""The embedded cloud: moto's server in this process, reachable only from this machine."""

import socket
import time
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any, Self

from moto.core.base_backend import BackendDict
from moto.core.model_instances import reset_model_data

from local import account, cloudwatch, dynamodb, service_models, sqs
from local.cloudformation import Stack
from local.gateway import Gateway
from local.http_server import HttpServer
from local.port import listening_on

_HOST = "127.0.0.1"
"""Loopback only, since callers are not authenticated."""


class Cloud:
    """An empty cloud. One per process, since moto's memory belongs to the process."""

    def __init__(self, port: int = 0) -> None:
        self._port = port
        self._stack: Stack | None = None
        self._exits = ExitStack()

    @property
    def endpoint_url(self) -> str:
        return f"http://{_HOST}:{self._port}"

    def __enter__(self) -> Self:
        listener = self._exits.enter_context(_listen(self._port))
        self._port = listener.getsockname()[1]
        self._exits.enter_context(account.entered(self.endpoint_url))
        service_models.install()
        sqs.install()
        dynamodb.install()
        cloudwatch.install()
        _forget_everything()
        gateway = Gateway(f"{_HOST}:{self._port}", lambda: self._stack)
        self._exits.callback(HttpServer(listener, gateway).close)
        return self

    def __exit__(self, *_: object) -> None:
        self._exits.close()

    def describe(self, outputs: Mapping[str, str]) -> None:
        """Make DescribeStacks show the stack as created, with these outputs."""
        self._stack = Stack.made(outputs, at_seconds=time.time())

    def client(self, service: str) -> Any:
        return account.client(service, self.endpoint_url)


def _listen(port: int) -> socket.socket:
    """Listen; ``PortTaken`` if another program does."""
    with listening_on(port):
        return socket.create_server((_HOST, port), backlog=128)


def _forget_everything() -> None:
    BackendDict.reset()
    reset_model_data()
