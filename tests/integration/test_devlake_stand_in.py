"""The DevLake of the tests answers, posts and loses the same as the recorded real one."""

import hashlib
import json
import re
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from threading import Event, Thread
from typing import Any
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.devlake.releases import (
    MYSQL,
    NEWEST,
    POSTGRESQL,
    V0_17,
    Database,
    Release,
)
from tests.devlake.rest import serving_config_ui, serving_rest
from tests.devlake.rows import a_blueprint, notice_of, planned_task, shown
from tests.devlake.server import DevLake
from tests.devlake_vectors import VECTORS, Vector
from tests.integration.eventually import eventually
from tests.integration.wire import Wire, answer, serving
from tests.outside import OUTSIDE

RECORDED = OUTSIDE / "devlake" / "rest"
OF_PIPELINES = [vector for vector in VECTORS if "ProjectName" in vector.document]
instant = datetime.fromisoformat
OK = answer("200 OK")
FAILING, GOOD = planned_task(fail=True), planned_task()


def recorded(name: str) -> Any:
    return json.loads((RECORDED / f"{name}.json").read_text(encoding="utf-8"))


def posted(wire: Wire) -> list[dict[str, Any]]:
    return [json.loads(request.partition(b"\r\n\r\n")[2]) for request in wire.requests]


def statuses(wire: Wire) -> list[str]:
    return [notice["Status"].removeprefix("TASK_") for notice in posted(wire)]


@contextmanager
def listening_to(**server: Any) -> Iterator[tuple[DevLake, Wire]]:
    """A DevLake, and a server that accepts all its notices."""
    with serving(*[OK] * 20) as wire:
        yield DevLake(f"http://127.0.0.1:{wire.port}/", "secret", **server), wire


def get_rest(devlake: DevLake, target: str) -> Any:
    return json.loads(devlake.rest.answer(target).body)


# --- responses of its REST API ---


def waits(devlake: DevLake) -> int:
    return devlake.create(name="waits")


def runs(devlake: DevLake) -> int:
    pipeline = devlake.create(name="nightly", plan=[[planned_task(seconds=12)]])
    devlake.run(pipeline)
    return pipeline


def completed(devlake: DevLake) -> int:
    pipeline = devlake.create(name="n39", plan=[[planned_task(seconds=0)]])
    devlake.live(pipeline)
    return pipeline


def failed_twice_when_run_again(devlake: DevLake) -> int:
    pipeline = devlake.create(name="p", plan=[[planned_task(fail=True, seconds=0.5)]])
    devlake.live(pipeline, failing=1)
    for _ in range(2):
        devlake.rerun(pipeline)
        devlake.live(pipeline, failing=1)
    return pipeline


def partly(devlake: DevLake) -> int:
    plan = [[FAILING, GOOD]]
    pipeline = devlake.create(name="partly", plan=plan, labels=["team-a"], skipOnFail=True)
    devlake.live(pipeline, failing=1)
    return pipeline


def cancelled_while_it_waited(devlake: DevLake) -> int:
    pipeline = devlake.create(name="cancelled", plan=[[planned_task(seconds=30)]])
    devlake.cancel(pipeline)
    return pipeline


LIVES = {
    "TASK_CREATED": waits,
    "TASK_RUNNING": runs,
    "TASK_COMPLETED": completed,
    "TASK_FAILED": failed_twice_when_run_again,
    "TASK_PARTIAL": partly,
    "TASK_CANCELLED": cancelled_while_it_waited,
}


def without_times(value: Any) -> Any:
    """Replace times and ids, which differ between recordings."""
    match value:
        case dict():
            return {
                name: "?" if name == "spentSeconds" else without_times(member)
                for name, member in value.items()
            }
        case list():
            return [without_times(element) for element in value]
        case str() if re.match(r"\d{4}-\d\d-\d\dT", value):
            return "a time"
        case str():
            return re.sub(r"(pipeline|task) \d+\.", r"\1 n.", value)
        case _:
            return value


def without_other_ids(document: dict[str, Any]) -> dict[str, Any]:
    numbers = {"id": int, "pipelineId": int}
    return {name: numbers.get(name, value) for name, value in without_times(document).items()}


@pytest.mark.parametrize("status", LIVES)
def test_a_pipeline_is_the_one_that_was_recorded_but_for_its_times(status: str):
    with listening_to() as (devlake, _):
        pipeline = LIVES[status](devlake)

    row = without_other_ids(get_rest(devlake, f"/pipelines/{pipeline}"))
    recording = without_other_ids(recorded(f"pipeline-{status}"))
    assert list(row.items()) == list(recording.items())


@pytest.mark.parametrize(
    "status", ["TASK_COMPLETED", "TASK_FAILED", "TASK_PARTIAL", "TASK_RUNNING"]
)
def test_the_latest_tasks_of_a_pipeline_are_those_that_were_recorded(status: str):
    with listening_to() as (devlake, _):
        pipeline = LIVES[status](devlake)

    response = get_rest(devlake, f"/pipelines/{pipeline}/tasks")
    recording = recorded(f"pipeline-{status}-tasks")
    assert response["count"] == recording["count"]
    for task, recorded_task in zip(response["tasks"], recording["tasks"], strict=True):
        assert list(without_other_ids(task).items()) == list(
            without_other_ids(recorded_task).items()
        )


@pytest.mark.parametrize("number", [1, 2])
def test_a_blueprint_has_the_columns_that_were_recorded(number: int):
    recording = recorded(f"blueprint-{number}")

    blueprint = a_blueprint(number, recording["projectName"])

    assert list(blueprint) == list(recording)
    assert blueprint["mode"] == recording["mode"]


@pytest.mark.parametrize(
    ("target", "status", "name"),
    [
        ("/pipelines/999", 404, "pipeline-404"),
        ("/pipelines/abc", 400, "pipeline-400"),
        ("/blueprints/999", 404, "blueprint-404"),
        ("/pipelines?page=99", 200, "pipelines-page-99"),
        ("/version", 200, "version"),
    ],
)
def test_missing_resources_are_answered_as_recorded(target: str, status: int, name: str):
    response = DevLake().rest.answer(target)

    body = json.loads(response.body)
    assert response.status == status
    assert body | {"count": 0} == recorded(name) | {"count": 0}


def test_pipelines_come_newest_first_by_pages_of_fifty():
    devlake = DevLake(first_id=1)
    for number in range(1, 121):
        devlake.tables.pipelines[number] = shown(number)

    pages = [get_rest(devlake, f"/pipelines?page={page}") for page in (1, 2, 3, 4)]

    assert [page["count"] for page in pages] == [120] * 4
    ids = [[row["id"] for row in page["pipelines"]] for page in pages]
    assert ids == [
        list(range(120, 70, -1)),
        list(range(70, 20, -1)),
        list(range(20, 0, -1)),
        [],
    ]
    assert [
        row["id"] for row in get_rest(devlake, "/pipelines?pageSize=2&page=2")["pipelines"]
    ] == [
        118,
        117,
    ]


def test_pending_ones_have_never_finished_so_neither_reruns_nor_resumed_ones_are_pending():
    with listening_to() as (devlake, _):
        waiting, running = waits(devlake), runs(devlake)
        rerun, resumed, _ = devlake.create(), devlake.create(), completed(devlake)
        devlake.live(rerun, failing=1)
        devlake.rerun(rerun)
        devlake.tables.pipelines[resumed]["status"] = "TASK_RESUME"

    pending = get_rest(devlake, "/pipelines?pending=1")

    assert [row["id"] for row in pending["pipelines"]] == [running, waiting]
    assert pending["count"] == 2
    assert {row["status"] for row in recorded("pipelines-pending")["pipelines"]} == {
        "TASK_CREATED",
        "TASK_RUNNING",
    }


# --- authorization ---


def get(url: str, authorization: str = "") -> tuple[int, str]:
    headers = {"authorization": authorization} if authorization else {}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as response:
            return response.status, response.read().decode()
    except HTTPError as refused:
        with refused:
            return refused.code, refused.read().decode()


BASIC = "Basic YWRtaW46cGFzcw=="  # admin:pass


@pytest.mark.parametrize(
    ("path", "authorization", "status", "body"),
    [
        ("/pipelines", "", 200, '"pipelines":['),
        ("/rest/pipelines", "Bearer k", 200, '"pipelines":['),
        ("/rest/pipelines", "", 401, "token is missing"),
        ("/rest/pipelines", "k", 401, "token is not present or malformed"),
        ("/rest/pipelines", "Bearer x", 403, "api key is invalid"),
        ("/rest/version", "Bearer k", 403, "path doesn't match api key's scope"),
        ("/api/pipelines", "", 404, "404 page not found"),
        ("/version", "", 200, '{"version":'),
    ],
)
def test_devlake_itself_asks_for_a_key_below_rest_alone(
    path: str, authorization: str, status: int, body: str
):
    devlake = DevLake()
    devlake.rest.api_key, devlake.rest.allowed_path = "k", "/(pipelines|blueprints).*"
    with serving_rest(devlake.rest) as url:
        response = get(url + path, authorization)

    assert response[0] == status
    assert body in response[1]


@pytest.mark.parametrize(
    ("path", "authorization", "status", "body"),
    [
        ("/api/pipelines", BASIC, 200, '"pipelines":['),
        ("/api/pipelines", "", 401, "<title>401 Authorization Required"),
        ("/api/rest/pipelines", "Bearer k", 200, '"pipelines":['),
        ("/pipelines", BASIC, 200, "<!doctype html>"),
    ],
)
def test_the_config_ui_has_the_api_below_api_and_a_page_everywhere_else(
    path: str, authorization: str, status: int, body: str
):
    devlake = DevLake()
    devlake.rest.api_key = "k"
    with serving_config_ui(devlake.rest, "admin:pass") as url:
        response = get(url + path, authorization)

    assert response[0] == status
    assert body in response[1]


# --- notices ---


@pytest.mark.parametrize("vector", OF_PIPELINES, ids=lambda vector: vector.name)
def test_a_notice_is_what_go_writes(vector: Vector):
    notice = vector.document
    row = shown(
        notice["PipelineID"],
        notice["Status"],
        createdAt=notice["CreatedAt"],
        updatedAt=notice["UpdatedAt"],
        beganAt=notice["BeganAt"],
        finishedAt=notice["FinishedAt"],
    )

    assert notice_of(row, notice["ProjectName"]) == vector.body


@pytest.mark.parametrize(
    ("release", "nonce"), [(NEWEST, "[0-9A-Za-z]{16}"), (V0_17, "[A-Za-z]{16}")]
)
def test_a_notice_is_signed_over_body_secret_and_nouce_and_notices_are_counted(
    release: Release, nonce: str
):
    with listening_to(release=release) as (devlake, wire):
        for _ in range(3):
            devlake.live(devlake.create())

    assert set(devlake.answers) == {200}
    for number, (request, notice) in enumerate(
        zip(wire.requests, devlake.notifications, strict=True), start=1
    ):
        query = parse_qs(urlsplit(request.split()[1].decode()).query)
        (nouce,), (sign,) = query["nouce"], query["sign"]
        assert re.fullmatch(f"{number}-{nonce}", nouce)
        assert sign == hashlib.sha256(f"{notice.data}secret{nouce}".encode()).hexdigest()
        assert notice.data == request.partition(b"\r\n\r\n")[2].decode()


@pytest.mark.parametrize(("database", "fraction"), [(MYSQL, "123"), (POSTGRESQL, "123456")])
def test_databases_keep_milliseconds_or_microseconds_and_the_offset_of_the_server(
    database: Database, fraction: str
):
    with listening_to(database=database, zone=timezone(timedelta(hours=8))) as (devlake, wire):
        devlake._clock.seconds = lambda: 1_796_000_000.123456
        devlake.run(devlake.create())

    *_, notice = posted(wire)
    assert notice["CreatedAt"] == f"2026-11-30T08:53:20.{fraction}+08:00"


# --- states without a notice ---


def test_nothing_is_sent_twice_whatever_is_answered():
    with serving(answer("503 Oh")) as wire:
        devlake = DevLake(f"http://127.0.0.1:{wire.port}", "secret")
        pipeline = devlake.create()
    devlake.run(pipeline)

    assert devlake.answers == [503, 0]
    assert len(wire.requests) == 1


def test_a_rerun_posts_no_notice_and_begins_with_the_fields_of_the_run_before():
    with listening_to() as (devlake, wire):
        failed_twice_when_run_again(devlake)

    assert statuses(wire) == ["CREATED", *["RUNNING", "FAILED"] * 3]
    _, first, failed, second, *_ = posted(wire)
    assert instant(second["BeganAt"]) > instant(first["BeganAt"])
    assert second["FinishedAt"] == failed["FinishedAt"] is not None
    assert instant(second["UpdatedAt"]) > instant(failed["UpdatedAt"])


@pytest.mark.parametrize(
    ("resume", "posts", "status"),
    [
        (True, ["CREATED", "RUNNING", "RUNNING", "COMPLETED"], "TASK_COMPLETED"),
        (False, ["CREATED", "RUNNING"], "TASK_FAILED"),
    ],
)
def test_a_restart_resumes_or_fails_running_pipelines_and_posts_neither(
    *, resume: bool, posts: list[str], status: str
):
    with listening_to(resume_pipelines=resume) as (devlake, wire):
        pipeline = runs(devlake)
        devlake.restart()
        if resume:
            devlake.live(pipeline)

    row = get_rest(devlake, f"/pipelines/{pipeline}")
    assert (statuses(wire), row["status"]) == (posts, status)
    assert (row["finishedAt"] is None) == (not resume)
    assert [task["status"] for task in devlake.tables.tasks_of(pipeline)] == [status]


def test_a_notice_has_no_deadline_and_the_tasks_wait_for_it():
    is_called, is_released = Event(), Event()

    def hanging(_: Wire, connection: Any) -> None:
        is_called.set()
        is_released.wait()
        connection.sendall(OK)

    with serving(OK, hanging) as wire:
        devlake = DevLake(f"http://127.0.0.1:{wire.port}", "secret")
        pipeline = devlake.create()
        thread = Thread(target=devlake.run, args=(pipeline,))
        thread.start()
        eventually(is_called.is_set)
        row, (task,) = dict(devlake.tables.pipelines[pipeline]), devlake.tables.tasks_of(pipeline)
        before = task["status"]
        is_released.set()
        thread.join()

    assert (row["status"], row["stage"], before) == ("TASK_RUNNING", 0, "TASK_CREATED")
    assert devlake.answers == [200, 200]
