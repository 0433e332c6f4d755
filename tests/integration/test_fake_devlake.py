"""The DevLake of the tests is held to the real one's words, races and losses."""

import hashlib
import json
import re
from threading import Event
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.devlake import DevLake, Row
from tests.devlake_vectors import VECTORS, Vector
from tests.integration.wire import Wire, answer, serving

OF_PIPELINES = [one for one in VECTORS if "ProjectName" in one.said]
OK = answer("200 OK")


def sent(wire: Wire) -> list[dict[str, object]]:
    return [json.loads(request.partition(b"\r\n\r\n")[2]) for request in wire.requests]


@pytest.mark.parametrize("vector", OF_PIPELINES, ids=lambda one: one.name)
def test_it_writes_what_go_writes(vector: Vector):
    said = vector.said
    row = Row(
        id=said["PipelineID"],
        project=said["ProjectName"],
        created_at=said["CreatedAt"],
        updated_at=said["UpdatedAt"],
        status=said["Status"],
        began_at=said["BeganAt"],
        finished_at=said["FinishedAt"],
    )

    assert row.body() == vector.body


def test_it_signs_body_secret_and_nouce_and_counts_its_notices():
    with serving(OK, OK, OK) as wire:
        devlake = DevLake(f"http://127.0.0.1:{wire.port}", "secret")
        pipeline = devlake.create("<数据湖>")
        devlake.join()
        devlake.run(pipeline)
        devlake.end(pipeline)

    assert [notice.status for notice in devlake.notifications] == [200] * 3
    for number, notice in enumerate(devlake.notifications, start=1):
        query = parse_qs(urlsplit(notice.target).query)
        (nouce,), (sign,) = query["nouce"], query["sign"]
        assert re.fullmatch(f"{number}-[A-Za-z0-9]{{16}}", nouce)
        assert sign == hashlib.sha256(f"{notice.body}secret{nouce}".encode()).hexdigest()


def test_a_late_goroutine_tells_the_row_as_it_is_by_then():
    with serving(OK, OK) as wire:
        devlake, scheduled = DevLake(f"http://127.0.0.1:{wire.port}", "secret"), Event()
        pipeline = devlake.create(scheduled=scheduled)
        devlake.run(pipeline)
        scheduled.set()
        devlake.join()

    running, created = sent(wire)
    assert running["Status"] == "TASK_RUNNING"
    assert running == created


def test_nothing_is_sent_twice_whatever_is_answered():
    with serving(answer("503 Oh")) as wire:
        devlake = DevLake(f"http://127.0.0.1:{wire.port}", "secret")
        pipeline = devlake.create()
        devlake.join()
    devlake.run(pipeline)

    assert [notice.status for notice in devlake.notifications] == [503, None]


def test_a_rerun_begins_with_what_the_run_before_left_and_nobody_is_told():
    with serving(OK, OK, OK, OK) as wire:
        devlake = DevLake(f"http://127.0.0.1:{wire.port}", "secret")
        pipeline = devlake.create()
        devlake.join()
        devlake.run(pipeline)
        devlake.end(pipeline, "TASK_FAILED")
        devlake.rerun(pipeline)
        devlake.run(pipeline)

    _, first, failed, second = sent(wire)
    assert second["BeganAt"] != first["BeganAt"]
    assert second["FinishedAt"] == failed["FinishedAt"] is not None
    assert second["UpdatedAt"] == failed["UpdatedAt"]


def test_a_pipeline_that_is_cancelled_while_it_waits_is_never_announced():
    with serving(OK) as wire:
        devlake = DevLake(f"http://127.0.0.1:{wire.port}", "secret")
        pipeline = devlake.create()
        devlake.join()
        devlake.cancel_pending(pipeline)

    assert [notice["Status"] for notice in sent(wire)] == ["TASK_CREATED"]
