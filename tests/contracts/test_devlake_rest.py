"""Contract of DevLake's readers: pipelines, their tasks and projects."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from lakehook.adapters.devlake import client
from lakehook.adapters.devlake import session as devlake_session
from lakehook.adapters.devlake.rest import RestDevLake
from lakehook.domain.devlake.sources import ApiAddress
from lakehook.ports.ingress import DevLakePipelines
from tests.devlake.port import FakeApiCredentials, FakeDevlake
from tests.devlake.rest import VERSION, serving_rest
from tests.devlake.rows import Row, a_task, shown

PAGE_SIZE = 2
PIPELINES = [
    shown(1, "TASK_PARTIAL", blueprintId=7),
    shown(2, "TASK_CANCELLED", beganAt=None, finishedAt=None),
    shown(3, "TASK_RERUN"),
    shown(4, "TASK_RUNNING", finishedAt=None),
    shown(5, "TASK_CREATED", beganAt=None, finishedAt=None),
]
PROJECTS = {7: "<R&D> 数据湖", 8: ""}
TASKS = {1: [a_task(12, "TASK_COMPLETED"), a_task(11, "TASK_FAILED")]}


@dataclass
class Shown:
    devlake: DevLakePipelines
    pipelines: dict[int, Row]


@pytest.fixture(params=["fake", "functions", "command"])
def there(request: pytest.FixtureRequest) -> Iterator[Shown]:
    fake = FakeDevlake(page_size=PAGE_SIZE)
    fake.pipelines, fake.projects, fake.tasks = PIPELINES, PROJECTS, TASKS
    pipelines = fake.tables.pipelines
    if request.param == "fake":
        yield Shown(fake, pipelines)
        return
    with serving_rest(fake.rest) as url:
        if request.param == "functions":
            fetch = client.ApiFetch(url, FakeApiCredentials(), deadline_seconds=60)
            yield Shown(RestDevLake(fetch, page_size=PAGE_SIZE), pipelines)
            fetch.close()
        else:
            with devlake_session.SessionFetch(ApiAddress(url)) as session:
                yield Shown(RestDevLake(session, page_size=PAGE_SIZE), pipelines)


def test_the_newest_pipelines_come_first_and_each_once(there: Shown):
    pages = [there.devlake.page(number) for number in (1, 2, 3)]

    assert [[row["id"] for row in page] for page in pages] == [[5, 4], [3, 2], [1]]


def test_each_pipeline_is_shown_whole(there: Shown):
    rows = [row for number in (1, 2, 3) for row in there.devlake.page(number)]

    assert rows == PIPELINES[::-1]
    assert there.devlake.pipeline(3) == PIPELINES[2]


def test_behind_the_last_page_there_is_nothing(there: Shown):
    assert list(there.devlake.page(4)) == []


def test_each_page_shows_the_present_pipelines(there: Shown):
    there.devlake.page(1)
    there.pipelines[6] = shown(6)

    assert [row["id"] for row in there.devlake.page(2)] == [4, 3]


def test_pipelines_of_one_status_are_listed_alone(there: Shown):
    there.pipelines[6] = shown(6, "TASK_RERUN")

    assert [row["id"] for row in there.devlake.page(1, status="TASK_RERUN")] == [6, 3]
    assert list(there.devlake.page(2, status="TASK_RERUN")) == []


def test_a_missing_pipeline_is_none(there: Shown):
    assert there.devlake.pipeline(6) is None


def test_a_pipeline_has_tasks_or_none(there: Shown):
    assert [task["id"] for task in there.devlake.tasks_of(1)] == [12, 11]
    assert list(there.devlake.tasks_of(2)) == []


def test_a_blueprint_has_a_project_or_none_or_is_gone(there: Shown):
    assert [there.devlake.project_of(number) for number in (7, 8, 9)] == ["<R&D> 数据湖", "", ""]


def test_devlake_reports_its_version(there: Shown):
    assert there.devlake.version() == VERSION
