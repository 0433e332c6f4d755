"""The AWS account of the local cloud."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock
from typing import Any

import boto3
from botocore.config import Config

REGION = "us-east-1"
ACCOUNT_ID = "123456789012"
STACK_NAME = "Lakehook"

_CREDENTIALS = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}
_PROXIES = {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"}


def arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT_ID}:{resource}"


def variables(endpoint_url: str) -> dict[str, str]:
    """Return variables that make a process use the local cloud, whatever is configured."""
    return {
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        **_CREDENTIALS,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


@contextmanager
def entered(endpoint_url: str) -> Iterator[None]:
    """Point this process to the local cloud, without proxies; restore its own settings afterwards.

    A profile that does not exist would stop even moto, which reads the regions through boto3.
    """
    environ = os.environ  # noqa: TID251  the SDK and moto read the process's own environment
    kept = {name: environ.pop(name) for name in list(environ) if _leads_elsewhere(name)}
    environ.update(variables(endpoint_url))
    try:
        yield
    finally:
        for name in variables(endpoint_url):
            environ.pop(name, None)
        environ.update(kept)


def _leads_elsewhere(name: str) -> bool:
    return name.startswith("AWS_") or name.upper() in _PROXIES


def client(service: Any, endpoint_url: str) -> Any:
    """Create a boto3 client of the local cloud, which never connects elsewhere."""
    with _CREATING:
        return _session().client(service, endpoint_url=endpoint_url, config=Config(proxies={}))


_CREATING = Lock()
"""https://docs.aws.amazon.com/boto3/latest/guide/session.html: sessions are not thread-safe."""


@cache
def _session() -> boto3.Session:
    """Return the one session, since each parses the models of its services anew."""
    return boto3.Session(
        aws_access_key_id=_CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=_CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        region_name=REGION,
    )
