"""Hosts file of the functions' machine, read again at each look-up.

It lets a name change between two attempts, or have mixed addresses, on real sockets. The worker has
it, as a machine has /etc/hosts; the functions do not know of it.
"""

import json
import socket
from collections.abc import Callable, Mapping, Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Any

Hosts = Mapping[str, Sequence[str]]


class BadHosts(ValueError):
    """A file that is not a JSON object of names, each with a list of addresses."""


def read_hosts(path: Path) -> Hosts:
    """Read the addresses of each name, in lower case and without the trailing dot."""
    try:
        hosts = json.loads(path.read_text(encoding="utf-8"))
        return {_key(name): [_address(host) for host in hosts[name]] for name in hosts}
    except OSError as error:
        raise BadHosts(f"{path}: {error.strerror}") from None
    except (ValueError, TypeError, KeyError, IndexError):
        example = '{"ci.example": ["127.0.0.1", "::1"]}'
        raise BadHosts(f"{path}: not a JSON object of names and addresses: {example}") from None


def have_hosts(path: Path) -> None:
    """Make this process look up names in the file first; ``[]`` is a name without an address."""
    socket.getaddrinfo = _looking_up_in(path, socket.getaddrinfo)


def _looking_up_in(path: Path, system: Callable[..., Any]) -> Callable[..., Any]:
    def getaddrinfo(host: Any, *args: Any, **options: Any) -> Any:
        addresses = None if _is_address(host) else _found(path, host)
        if addresses is None:
            return system(host, *args, **options)
        if not addresses:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [info for address in addresses for info in system(address, *args, **options)]

    return getaddrinfo


def _is_address(host: Any) -> bool:
    try:
        return host is None or bool(ip_address(host))
    except ValueError:
        return False


def _found(path: Path, host: Any) -> Sequence[str] | None:
    try:
        return read_hosts(path).get(_key(str(host)))
    except BadHosts as error:  # it may be being written
        raise socket.gaierror(socket.EAI_AGAIN, str(error)) from None


def _key(name: str) -> str:
    return name.lower().removesuffix(".")


def _address(text: Any) -> str:
    return str(ip_address(str(text)))
