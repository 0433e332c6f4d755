"""AWS session of the command. It imports boto3, which ``--help`` does not need."""

import os
from ipaddress import ip_address
from urllib.parse import urlsplit

import boto3

from lakehook.adapters.aws_session import new_session

_THIS_MACHINE = "127.0.0.1,localhost,::1"


def session() -> boto3.Session:
    """Create the configured session; a laptop's cloud is reached without a proxy."""
    environ = os.environ  # noqa: TID251  botocore reads proxies there
    if is_loopback_url(environ.get("AWS_ENDPOINT_URL", "")):
        kept = environ.get("no_proxy") or environ.get("NO_PROXY")
        environ["no_proxy"] = f"{kept},{_THIS_MACHINE}" if kept else _THIS_MACHINE
    return boto3.Session(botocore_session=new_session())


def is_loopback_url(url: str) -> bool:
    """Whether the URL's host is this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
