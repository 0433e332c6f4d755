"""A DevLake that hangs delays no notice: details that were read until the deadline are used."""

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from lakehook.adapters.devlake.client import ApiFetch, DevLakeDetails
from lakehook.adapters.devlake.rest import RestDevLake
from lakehook.domain.devlake.notification import PipelineRow
from lakehook.domain.devlake.sources import DevLakeSource
from lakehook.domain.json_document import Document
from tests.devlake.port import FakeApiCredentials
from tests.devlake.rows import shown
from tests.fakes import FakeClock
from tests.integration.wire import Behaviour, Wire, answer, dripping, flooding, serving, silence

DEADLINE_SECONDS, PATIENCE_SECONDS = 0.3, 60.0
FAILED = shown(39, "TASK_FAILED", message="oh")
ROW = answer("200 OK", json.dumps(FAILED).encode())
NOTICE = PipelineRow.parse(FAILED).to_event("").document
CREDENTIALS = FakeApiCredentials()
DRIPPING = dripping(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n", b" ")


@contextmanager
def learning(
    *answers: bytes | Behaviour, deadline_seconds: float = PATIENCE_SECONDS
) -> Iterator[tuple[Document, list[str], Wire]]:
    warnings: list[str] = []
    with serving(*answers) as wire:
        source = DevLakeSource(api_url=f"http://127.0.0.1:{wire.port}/api")
        with closing(
            ApiFetch(source.api_url or "", CREDENTIALS, deadline_seconds=PATIENCE_SECONDS)
        ) as fetch:
            details = DevLakeDetails(
                lambda _: RestDevLake(fetch),
                FakeClock().now,
                lambda _, reason: warnings.append(reason),
                deadline_seconds=deadline_seconds,
            )
            yield details.of_event(source, NOTICE), warnings, wire
            wire.closing.set()


@pytest.mark.parametrize(
    "hanging", [silence, dripping(b"", b"H"), DRIPPING], ids=["silence", "head", "body"]
)
def test_a_devlake_that_hangs_yields_no_details(hanging: Behaviour):
    with learning(hanging, deadline_seconds=DEADLINE_SECONDS) as (details, warnings, _):
        assert details == {}
        assert warnings == ["DevLake is unavailable: no complete response in time"]


def test_tasks_that_hang_leave_the_details_of_the_row():
    """Row and tasks share a deadline, in which a busy machine reads the row."""
    with learning(ROW, DRIPPING, deadline_seconds=10 * DEADLINE_SECONDS) as (
        details,
        warnings,
        wire,
    ):
        assert details["message"] == "oh"
        assert "failed_tasks" not in details
        assert warnings == ["DevLake is unavailable: no complete response in time"]

    assert [request.split()[1] for request in wire.requests] == [
        b"/api/pipelines/39",
        b"/api/pipelines/39/tasks",
    ]
    assert wire.connections == 1


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        (answer("200 OK", b"<html>"), "not JSON"),
        (answer("302 Found", b"", "location: http://169.254.169.254/"), "redirects are not"),
        (answer("401 No", b"{}"), "401 to GET /pipelines/39"),
        (flooding(b"HTTP/1.1 200 OK\r\n\r\n", b" " * 1000), "more than 4194304 bytes"),
    ],
)
def test_a_response_that_is_not_devlakes_is_a_warning_of_one_line(
    response: bytes | Behaviour, reason: str
):
    with learning(response) as (details, warnings, _):
        assert details == {}
        (warning,) = warnings
        assert reason in warning
        assert "\n" not in warning
