"""Lost states of pipelines are sent once, however often DevLake is reconciled."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from lakehook.domain.devlake.sources import ApiAddress
from lakehook.domain.errors import DevlakeUnavailable, InvalidInput, NotDevlake
from lakehook.ingestion.reconcile import MAX_PAGES, Reconcile, Reconciled
from tests.devlake.port import FakeDevlake
from tests.devlake.rows import shown
from tests.fakes import FakeClock
from tests.fakes_ingress import FakePublisher

CREATED, RUNNING, COMPLETED, FAILED, PARTIAL, CANCELLED = (
    f"PIPELINE_{state}"
    for state in ("CREATED", "RUNNING", "COMPLETED", "FAILED", "PARTIAL", "CANCELLED")
)
ADDRESS = ApiAddress("http://devlake:8080")
A_DAY_EARLIER = "2025-12-31T11:59:59Z"


def long_ago(number: int, **changes: Any) -> dict[str, Any]:
    times = dict.fromkeys(("createdAt", "updatedAt", "beganAt", "finishedAt"), A_DAY_EARLIER)
    return shown(number, **{**times, **changes})


@dataclass
class Reconciler:
    devlake: FakeDevlake = field(default_factory=FakeDevlake)
    publisher: FakePublisher = field(default_factory=FakePublisher)
    warnings: list[str] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)

    def reconcile(self, **options: Any) -> Reconciled:
        reconcile = Reconcile(
            self.devlake.reach, self.publisher.publish, FakeClock(), self.warnings.append
        )
        return reconcile(ADDRESS, done=self.counts.append, **options)

    @property
    def sent(self) -> list[str]:
        return [event.pipeline_id for event in self.publisher.published]


@pytest.fixture
def reconciler() -> Reconciler:
    return Reconciler()


# --- events ---


def test_each_pipeline_that_has_changed_since_is_sent_as_it_is_now(reconciler: Reconciler):
    reconciler.devlake.pipelines = [
        shown(3),
        shown(1, "TASK_RUNNING", finishedAt=None),
        long_ago(2),
    ]

    result = reconciler.reconcile()

    assert [(event.pipeline_id, event.type) for event in reconciler.publisher.published] == [
        ("1", RUNNING),
        ("3", COMPLETED),
    ]
    assert (result.read, result.sent, list(result.events)) == (3, 2, reconciler.publisher.published)
    assert reconciler.devlake.reached == [ADDRESS]


def test_the_default_window_is_a_day(reconciler: Reconciler):
    just = "2025-12-31T12:00:00Z"
    reconciler.devlake.pipelines = [long_ago(1), long_ago(2, updatedAt=just)]

    reconciler.reconcile()

    assert reconciler.sent == ["2"]


def test_blueprints_of_unchanged_pipelines_are_not_read(
    reconciler: Reconciler,
):
    reconciler.devlake.pipelines = [shown(2), long_ago(1, blueprintId=7)]

    reconciler.reconcile()

    assert reconciler.devlake.projects_asked == []


# --- pages ---


def test_pages_are_read_until_one_has_no_change(reconciler: Reconciler):
    """An old pipeline that was run again is behind newer ones that were not."""
    reconciler.devlake.page_size = 2
    reconciler.devlake.pipelines = [shown(n) if n in (8, 5) else long_ago(n) for n in range(1, 10)]

    result = reconciler.reconcile()

    assert reconciler.sent == ["8"]
    assert (reconciler.devlake.pages_read, result.read) == (2, 4)


def test_every_pipeline_created_since_is_found(reconciler: Reconciler):
    reconciler.devlake.page_size = 2
    reconciler.devlake.pipelines = [shown(n) for n in range(1, 6)]

    result = reconciler.reconcile()

    assert reconciler.sent == ["1", "2", "3", "4", "5"]
    assert result.read == 5
    assert reconciler.counts == [2, 2, 1]


def test_a_row_that_moves_to_the_next_page_is_sent_once_as_read_last(
    reconciler: Reconciler,
):
    class Moving(FakeDevlake):
        def page(self, number: int, *, pending: bool = False) -> Sequence[dict[str, Any]]:
            page = super().page(number)
            if number == 1:
                self.pipelines = [shown(1), shown(2), shown(3)]
            return page

    reconciler.devlake = Moving(page_size=1)
    reconciler.devlake.pipelines = [shown(1), shown(2, "TASK_RUNNING", finishedAt=None)]

    result = reconciler.reconcile()

    assert [(event.pipeline_id, event.type) for event in reconciler.publisher.published] == [
        ("1", COMPLETED),
        ("2", COMPLETED),
    ]
    assert result.read == 2


def test_a_devlake_that_never_ends_is_left_and_nothing_is_sent(reconciler: Reconciler):
    class Endless(FakeDevlake):
        def page(self, number: int, *, pending: bool = False) -> Sequence[dict[str, Any]]:
            super().page(number)
            return [shown(number)]

    reconciler.devlake = Endless()

    with pytest.raises(InvalidInput, match=r"since: .* later time"):
        reconciler.reconcile()

    assert reconciler.devlake.pages_read == MAX_PAGES
    assert reconciler.sent == []


def test_a_list_that_repeats_itself_is_left_with_the_reason(reconciler: Reconciler):
    class Deaf(FakeDevlake):
        def page(self, number: int, *, pending: bool = False) -> Sequence[dict[str, Any]]:
            super().page(number)
            return super().page(1)

    reconciler.devlake = Deaf()
    reconciler.devlake.pipelines = [shown(1), shown(2)]

    with pytest.raises(NotDevlake, match="page 3 lists the same pipelines"):
        reconciler.reconcile()

    assert reconciler.sent == []


# --- errors ---


def test_nothing_is_sent_unless_all_has_been_read(reconciler: Reconciler):
    class Leaving(FakeDevlake):
        def page(self, number: int, *, pending: bool = False) -> Sequence[dict[str, Any]]:
            self.away = number > 1
            return super().page(number)

    reconciler.devlake = Leaving(page_size=1)
    reconciler.devlake.pipelines = [shown(1), shown(2)]

    with pytest.raises(DevlakeUnavailable):
        reconciler.reconcile()

    assert reconciler.sent == []
