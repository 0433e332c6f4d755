"""DevLake's REST API is asked shortly, seldom, and without harm."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from lakehook.adapters import devlake_api
from lakehook.adapters.devlake_api import DevlakeApi
from tests.fakes import FakeClock
from tests.integration.wire import Behaviour, Wire, answer, dripping, serving, silence

DEADLINE_SECONDS, PATIENCE_SECONDS = 0.8, 10.0
QUIET_SECONDS = 30


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def a_pipeline(**fields: Any) -> bytes:
    return answer("200 OK", json.dumps(fields).encode())


@contextmanager
def devlake(
    clock: FakeClock, *answers: bytes | Behaviour, deadline_seconds: float = PATIENCE_SECONDS
) -> Iterator[tuple[DevlakeApi, Wire]]:
    with serving(*answers) as wire:
        api = DevlakeApi(
            f"http://127.0.0.1:{wire.port}/api", clock.now, deadline_seconds=deadline_seconds
        )
        try:
            yield api, wire
        finally:
            wire.closing.set()
            api.close()


def test_a_pipeline_is_asked_for_once(clock: FakeClock):
    with devlake(clock, a_pipeline(blueprintId=7)) as (api, wire):
        found = [api.of_pipeline(39) for _ in range(3)]

    assert found == [7, 7, 7]
    (request,) = wire.requests
    assert request.startswith(b"GET /api/pipelines/39 HTTP/1.1\r\n")


@pytest.mark.parametrize(
    "failing",
    [
        answer("500 Oh", b"broken"),
        answer("302 Found", b"", "location: http://169.254.169.254/"),
        answer("200 OK", b"no JSON"),
        answer("200 OK", b"[]"),
        answer("200 OK", b'"\xff'),
        a_pipeline(),
        a_pipeline(blueprintId="7"),
        a_pipeline(blueprintId=True),
        a_pipeline(blueprintId=-1),
        b"no HTTP\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{",
    ],
)
def test_an_answer_that_tells_no_blueprint_is_none_and_silence_follows(
    clock: FakeClock, failing: bytes
):
    with devlake(clock, failing, a_pipeline(blueprintId=7)) as (api, _):
        assert api.of_pipeline(39) is None
        clock.sleep(QUIET_SECONDS - 1)
        assert api.of_pipeline(40) is None
        clock.sleep(1)
        assert api.of_pipeline(39) == 7


def test_a_pipeline_that_is_not_committed_yet_is_asked_for_again(clock: FakeClock):
    with devlake(clock, answer("404 Not Found", b"{}"), a_pipeline(blueprintId=7)) as (api, _):
        assert [api.of_pipeline(39), api.of_pipeline(39)] == [None, 7]


@pytest.mark.parametrize(
    "hanging",
    [
        silence,
        dripping(b"", b"H"),
        dripping(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n", b" "),
    ],
    ids=["silence", "a dripping head", "a dripping body"],
)
def test_it_never_takes_longer_than_the_deadline(clock: FakeClock, hanging: Behaviour):
    with devlake(clock, hanging, deadline_seconds=DEADLINE_SECONDS) as (api, _):
        began = time.monotonic()
        found = api.of_pipeline(39)
        took = time.monotonic() - began

    assert found is None
    assert took < DEADLINE_SECONDS + 0.3


def test_a_devlake_that_nobody_serves_is_none(clock: FakeClock):
    with serving() as wire:
        url = f"http://127.0.0.1:{wire.port}"

    api = DevlakeApi(url, clock.now)

    assert api.of_pipeline(39) is None
    api.close()


def test_what_is_remembered_has_a_bound(clock: FakeClock, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(devlake_api, "MOST_KNOWN", 2)
    answers = [a_pipeline(blueprintId=number) for number in (1, 2, 3, 4)]

    with devlake(clock, *answers) as (api, wire):
        found = [api.of_pipeline(number) for number in (1, 2, 3, 2, 1)]

    assert found == [1, 2, 3, 2, 4]
    assert len(wire.requests) == 4
