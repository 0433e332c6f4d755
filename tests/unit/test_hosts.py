"""The laptop's hosts file: read at each look-up, and used before the system's resolver."""

import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local.hosts import BadHosts, have_hosts, read_hosts

Write = Callable[..., None]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "hosts.json"


@pytest.fixture
def write(path: Path) -> Write:
    return lambda **hosts: path.write_text(json.dumps(hosts))


def system(host: Any, port: Any, **options: Any) -> list[Any]:
    """A system's resolver that knows addresses, and one name."""
    if host == "known.example":
        return [("as", "the", "system", "has", "it")]
    return [(socket.AF_INET, options["type"], 6, "", (host, port))]


@pytest.fixture
def look_up(path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[Any]]:
    monkeypatch.setattr(socket, "getaddrinfo", system)
    have_hosts(path)
    return lambda host: [
        info[4][0] if info[0] is socket.AF_INET else info
        for info in socket.getaddrinfo(host, 443, type=socket.SOCK_STREAM)
    ]


def test_a_name_has_the_addresses_of_the_file_at_each_look_up_and_other_names_the_systems(
    look_up: Callable[[str], list[Any]], write: Write
):
    write(**{"CI.example.": ["10.0.0.1", "8.8.8.8"]})

    assert look_up("ci.example") == ["10.0.0.1", "8.8.8.8"]
    assert look_up("known.example") == [("as", "the", "system", "has", "it")]
    write(**{"ci.example": ["169.254.169.254"]})
    assert look_up("Ci.Example.") == ["169.254.169.254"]


def test_a_name_without_addresses_does_not_resolve(
    look_up: Callable[[str], list[Any]], write: Write
):
    write(ci=[])

    with pytest.raises(socket.gaierror, match="not known"):
        look_up("ci")


def test_a_file_that_is_being_written_is_a_temporary_failure(
    look_up: Callable[[str], list[Any]], path: Path
):
    path.write_text('{"ci": ["8.8.')

    with pytest.raises(socket.gaierror, match="not a JSON object"):
        look_up("ci")
    assert look_up("127.0.0.1") == ["127.0.0.1"], "an address is no name"


@pytest.mark.parametrize(
    "text",
    ["", "[]x", "7", '["a"]', '{"a": 7}', '{"a": "127.0.0.1"}', '{"a": ["b"]}', '{"a": [1]}'],
)
def test_a_file_of_another_kind_is_refused(path: Path, text: str):
    path.write_text(text)

    with pytest.raises(BadHosts, match="not a JSON object of names"):
        read_hosts(path)


def test_a_file_that_is_not_there_is_refused(path: Path):
    with pytest.raises(BadHosts, match="No such file"):
        read_hosts(path)
