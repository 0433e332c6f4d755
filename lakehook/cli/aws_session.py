"""The AWS account that the command uses. It imports boto3, for which ``--help`` need not wait."""

from ipaddress import ip_address
from urllib.parse import urlsplit

import boto3

from lakehook.adapters.aws_session import new_session


def session() -> boto3.Session:
    return boto3.Session(botocore_session=new_session())


def is_loopback_url(url: str) -> bool:
    """Whether what answers there runs on this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
