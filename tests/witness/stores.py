"""Other implementations of SQS and DynamoDB, each in a process of its own.

https://github.com/ministackorg/ministack
https://github.com/localstack/localstack
https://github.com/softwaremill/elasticmq
"""

import os
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.integration.eventually import eventually
from tests.witness.environments import java, script

ACCOUNT_ID = "123456789012"

Command = tuple[Sequence[str], Mapping[str, str]]
"""Arguments, and the variables that they need."""

KILLED_WITH_US = 'exec 3<&0; { read -r _ <&3; kill -KILL 0; } & exec "$@" 3<&- </dev/null'
"""Ends the process group when our end of the pipe closes, even if we are killed."""


@dataclass(frozen=True)
class Store:
    services: tuple[str, ...]
    command: Callable[[Path, int], Command]
    """For a folder and a port."""


@contextmanager
def running(command: Command, log: Path, port: int) -> Iterator[None]:
    """Run a server until the end of the block, once it listens."""
    arguments, environment = command
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["/bin/sh", "-c", KILLED_WITH_US, "sh", *arguments],
            cwd=log.parent,
            env=os.environ | environment,  # noqa: TID251
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            eventually(lambda: process.poll() is not None or _listens(port))
            assert process.poll() is None, log.read_text("utf-8", errors="replace")
            yield
        finally:
            process.communicate()  # closes the pipe


def _ministack(folder: Path, port: int) -> Command:
    return [script("ministack", "ministack")], ministack_settings(folder, port)


def ministack_settings(folder: Path, port: int) -> dict[str, str]:
    return {
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_ACCOUNT_ID": ACCOUNT_ID,
        "LAMBDA_EXECUTOR": "local",
        "S3_DATA_DIR": str(folder / "s3"),
        "TMPDIR": str(folder),  # where it unpacks functions, and leaves them when it is killed
    }


def _localstack(folder: Path, port: int) -> Command:
    """Start the store's SQS alone, in its process: its other services need Docker or a download."""
    settings = {
        "GATEWAY_LISTEN": f"127.0.0.1:{port}",
        "SERVICES": "sqs",
        "FILESYSTEM_ROOT": str(folder),
        "LOCALSTACK_VOLUME_DIR": str(folder),
        "DNS_ADDRESS": "0",
        "DISABLE_EVENTS": "1",
        "SKIP_SSL_CERT_DOWNLOAD": "1",
    }
    return [script("localstack", "python"), "-m", "localstack.runtime.main"], settings


ELASTICMQ_SETTINGS = """
include classpath("application.conf")
node-address { protocol = http, host = "127.0.0.1", port = %(port)s, context-path = "" }
rest-sqs { bind-hostname = "127.0.0.1", bind-port = %(port)s, sqs-limits = strict }
rest-stats { enabled = false }
"""


def _elasticmq(folder: Path, port: int) -> Command:
    settings = folder / "elasticmq.conf"
    settings.write_text(ELASTICMQ_SETTINGS % {"port": port}, encoding="utf-8")
    main = (f"-Dconfig.file={settings}", "org.elasticmq.server.Main")
    return [*java("elasticmq"), *main], {}


STORES = {
    "elasticmq": Store(("sqs",), _elasticmq),
    "localstack": Store(("sqs",), _localstack),
    "ministack": Store(("sqs", "dynamodb"), _ministack),
}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
