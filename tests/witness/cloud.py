"""A ministack for the whole stack, over TLS, that enforces the policies.

https://github.com/ministackorg/ministack
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509

from tests.integration.authority import Authority
from tests.witness.environments import script
from tests.witness.stores import free_port, ministack_settings, running

LOG = "ministack.log"
REGION = "us-east-1"


@contextmanager
def serving(folder: Path) -> Iterator[Mapping[str, str]]:
    """The variables with which a process of ours takes it for AWS; policies are enforced."""
    authority, port = Authority(folder), free_port()
    authority.context(x509.IPAddress(ip_address("127.0.0.1")), x509.DNSName("localhost"))
    trust = {"AWS_CA_BUNDLE": str(authority.path), "NODE_EXTRA_CA_CERTS": str(authority.path)}
    certificate = str(folder / "server.pem")
    guarded = {
        "AUTH": "true",
        "USE_SSL": "1",
        "MINISTACK_SSL_CERT": certificate,
        "MINISTACK_SSL_KEY": certificate,
    }
    settings = ministack_settings(folder, port) | trust | guarded
    with running(([script("ministack", "ministack")], settings), folder / LOG, port):
        yield trust | _access(port)


def _access(port: int) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": f"https://127.0.0.1:{port}",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test",  # the account's root, as the witness has it
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
