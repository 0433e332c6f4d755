"""What reconciling relies on: DevLake's pipelines by pages, and the projects of blueprints."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from lakehook.adapters import devlake_pipelines
from lakehook.adapters.devlake_pipelines import RestDevlake
from lakehook.domain.devlake.api_address import ApiAddress
from lakehook.ports.devlake import DevlakePipelines
from tests.devlake_rest import serving_rest
from tests.fakes_devlake import FakeDevlake, shown

PAGE_SIZE = 2
PIPELINES = [
    shown(1, "TASK_PARTIAL", blueprintId=7),
    shown(2, "TASK_CANCELLED", beganAt=None, finishedAt=None),
    shown(3, "TASK_RERUN"),
    shown(4, "TASK_RUNNING", finishedAt=None),
    shown(5, "TASK_CREATED", beganAt=None, finishedAt=None),
]
PROJECTS = {7: "<R&D> 数据湖", 8: ""}


@dataclass
class Shown:
    devlake: DevlakePipelines
    pipelines: list[Any]


@pytest.fixture(params=["fake", "rest"])
def there(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shown]:
    pipelines: list[Any] = list(PIPELINES)
    if request.param == "fake":
        yield Shown(FakeDevlake(pipelines, PROJECTS, page_size=PAGE_SIZE), pipelines)
        return
    monkeypatch.setattr(devlake_pipelines, "PAGE_SIZE", PAGE_SIZE)
    with serving_rest(pipelines, PROJECTS) as rest:
        yield Shown(RestDevlake(ApiAddress(rest.url)), pipelines)


def test_the_newest_pipelines_come_first_and_each_once(there: Shown):
    pages = [there.devlake.page(number) for number in (1, 2, 3)]

    assert [[one["id"] for one in page] for page in pages] == [[5, 4], [3, 2], [1]]


def test_each_is_shown_whole(there: Shown):
    shown_ = [one for number in (1, 2, 3) for one in there.devlake.page(number)]

    assert shown_ == PIPELINES[::-1]


def test_behind_the_last_page_there_is_nothing(there: Shown):
    assert list(there.devlake.page(4)) == []


def test_each_page_is_as_of_now(there: Shown):
    there.devlake.page(1)
    there.pipelines.append(shown(6))

    assert [one["id"] for one in there.devlake.page(2)] == [4, 3]


def test_a_blueprint_has_a_project_or_none_or_is_gone(there: Shown):
    assert [there.devlake.project_of(number) for number in (7, 8, 9)] == ["<R&D> 数据湖", "", ""]
