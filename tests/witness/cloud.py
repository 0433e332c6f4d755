"""The witness: ministack, over TLS, in a process and an environment of its own.

https://github.com/ministackorg/ministack
"""

import os
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509

from infra.bundle import ROOT
from tests.integration.authority import Authority
from tests.integration.eventually import eventually

COMMAND = ROOT / ".venv-witness" / "bin" / "ministack"
ACCOUNT, REGION = "123456789012", "us-east-1"


@contextmanager
def serving(folder: Path) -> Iterator[Mapping[str, str]]:
    """The variables with which a process of ours takes it for AWS; policies are enforced."""
    authority, port = Authority(folder), _free_port()
    authority.context(x509.IPAddress(ip_address("127.0.0.1")), x509.DNSName("localhost"))
    trust = {"AWS_CA_BUNDLE": str(authority.path), "NODE_EXTRA_CA_CERTS": str(authority.path)}
    with (folder / "ministack.log").open("wb") as log:
        process = subprocess.Popen(
            [COMMAND],
            cwd=folder,
            env=os.environ | trust | _settings(folder, port),  # noqa: TID251
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            eventually(lambda: _listens(port))
            yield trust | _access(port)
        finally:
            os.killpg(process.pid, signal.SIGKILL)  # asked politely, it waits for half a minute
            process.wait()


def _settings(folder: Path, port: int) -> dict[str, str]:
    certificate = str(folder / "server.pem")
    return {
        "AUTH": "true",
        "USE_SSL": "1",
        "MINISTACK_SSL_CERT": certificate,
        "MINISTACK_SSL_KEY": certificate,
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "LAMBDA_EXECUTOR": "local",
        "S3_DATA_DIR": str(folder / "s3"),
        "TMPDIR": str(folder),  # where it unpacks functions, and leaves them when it is killed
    }


def _access(port: int) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": f"https://127.0.0.1:{port}",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test",  # the account's root, as the witness has it
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
