"""DevLake's REST API is read within bounds, and what goes wrong is one line without a secret."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from lakehook.adapters.devlake_pipelines import RestDevlake
from lakehook.domain.devlake.api_address import ApiAddress
from lakehook.domain.errors import BadInput, DevlakeAway, LakehookError, NoDevlake
from tests.integration.wire import Behaviour, Wire, answer, dripping, flooding, serving, silence

SECRET = "s3cret"
DEADLINE_SECONDS = 0.2
MOST_BYTES = 1000
NOBODY = answer("200 OK", b'{"count":0,"pipelines":[]}')


@contextmanager
def devlake(*answers: bytes | Behaviour) -> Iterator[tuple[RestDevlake, Wire]]:
    with serving(*answers) as wire:
        address = ApiAddress(
            f"http://127.0.0.1:{wire.port}/api", {"authorization": f"Bearer {SECRET}"}
        )
        yield (
            RestDevlake(address, deadline_seconds=DEADLINE_SECONDS, most_bytes=MOST_BYTES),
            wire,
        )
        wire.closing.set()


def test_each_request_says_what_lets_it_in_and_which_page_it_wants():
    with devlake(NOBODY, NOBODY) as (api, wire):
        api.page(1)
        api.page(2)

    first, second = wire.requests
    assert first.startswith(b"GET /api/pipelines?page=1&pageSize=50 HTTP/1.1\r\n")
    assert second.startswith(b"GET /api/pipelines?page=2&pageSize=50 HTTP/1.1\r\n")
    assert f"authorization: Bearer {SECRET}".encode() in first
    assert wire.connections == 1


@pytest.mark.parametrize(
    ("said", "kind", "complaint"),
    [
        (answer("401 No", b"{}"), BadInput, "401 to GET /pipelines: --header or --header-file"),
        (answer("403 No", b"{}"), BadInput, "403 to GET /pipelines: --header or --header-file"),
        (answer("404 No", b"{}"), NoDevlake, "404 to GET /pipelines; behind its config UI"),
        (answer("400 No", b"{}"), NoDevlake, "400 to GET /pipelines; behind its config UI"),
        (answer("302 Found", b"", "location: /login"), NoDevlake, "redirects are not followed"),
        (answer("429 Slow", b"{}"), DevlakeAway, "429 to GET /pipelines: try again later"),
        (answer("500 Oh", b"{}"), DevlakeAway, "500 to GET /pipelines"),
        (answer("502 Oh", b"{}"), DevlakeAway, "502 to GET /pipelines"),
        (answer("200 OK", b"<html>"), NoDevlake, "not JSON.*behind its config UI"),
        (answer("200 OK", b'{"a":"\xff"}'), NoDevlake, "not UTF-8"),
        (answer("200 OK", b"[" * 500), NoDevlake, "nested deeper than 64 levels"),
        (answer("200 OK", b"[]"), NoDevlake, "not a JSON object but an array"),
        (answer("200 OK", b'{"count":1}'), NoDevlake, "lists no pipelines"),
        (answer("200 OK", b'{"pipelines":[1]}'), NoDevlake, "lists no pipelines"),
        (answer("200 OK", b" " * 1001), NoDevlake, "more than 1000 bytes"),
        (flooding(b"HTTP/1.1 200 OK\r\n\r\n", b" "), NoDevlake, "more than 1000 bytes"),
        (b"no HTTP\r\n\r\n", DevlakeAway, "the answer broke off"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{", DevlakeAway, "the answer broke off"),
    ],
)
def test_an_answer_that_lists_nothing_says_why(
    said: bytes | Behaviour, kind: type[LakehookError], complaint: str
):
    with devlake(said) as (api, wire), pytest.raises(kind, match=complaint) as refused:
        api.page(1)

    assert type(refused.value) is kind
    assert "\n" not in str(refused.value)
    assert SECRET not in str(refused.value)
    assert len(wire.requests) == 1


@pytest.mark.parametrize(
    "hanging",
    [
        silence,
        dripping(b"", b"H"),
        dripping(b"HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n", b" "),
    ],
    ids=["silence", "a dripping head", "a dripping body"],
)
def test_it_never_waits_longer_than_the_deadline(hanging: Behaviour):
    with devlake(hanging) as (api, _):
        began = time.monotonic()
        with pytest.raises(DevlakeAway, match="no whole answer in time"):
            api.page(1)
        took = time.monotonic() - began

    assert took < DEADLINE_SECONDS + 0.3


def test_a_devlake_that_nobody_serves_is_away():
    with serving() as wire:
        address = ApiAddress(f"http://127.0.0.1:{wire.port}")

    with pytest.raises(DevlakeAway, match="DevLake is away: no connection"):
        RestDevlake(address).page(1)


def test_a_devlake_whose_name_nobody_knows_is_away(monkeypatch: pytest.MonkeyPatch):
    def unknown(*_: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)

    with pytest.raises(DevlakeAway, match="nobody knows its name"):
        RestDevlake(ApiAddress("http://devlake:8080")).page(1)


def test_a_devlake_without_tls_is_told_so():
    def plainly(_: Wire, connection: socket.socket) -> None:
        connection.sendall(answer("400 Bad Request"))

    with serving(at_once=plainly) as wire:
        api = RestDevlake(ApiAddress(f"https://127.0.0.1:{wire.port}"), deadline_seconds=5)
        with pytest.raises(DevlakeAway, match="DevLake is away: TLS: "):
            api.page(1)


@pytest.mark.parametrize("project", [None, 7, ["a"]])
def test_a_blueprint_whose_project_is_no_name_is_none(project: object):
    said = answer("200 OK", json.dumps({"projectName": project}).encode())

    with devlake(said) as (api, _), pytest.raises(NoDevlake, match="/blueprints/7 is no blueprint"):
        api.project_of(7)


def test_who_may_read_pipelines_and_no_blueprints_is_told_so():
    with (
        devlake(answer("403 No", b"{}")) as (api, _),
        pytest.raises(BadInput, match="403 to GET /blueprints/7"),
    ):
        api.project_of(7)


def test_a_redirect_is_not_followed():
    with serving(NOBODY) as elsewhere:
        there = f"location: http://127.0.0.1:{elsewhere.port}/pipelines"
        with devlake(answer("307 There", b"", there)) as (api, _), pytest.raises(NoDevlake):
            api.page(1)

    assert elsewhere.requests == []
