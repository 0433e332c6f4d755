"""What DevLake told in vain is sent once, however often it is reconciled."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from lakehook.domain.devlake.api_address import ApiAddress
from lakehook.domain.errors import DevlakeUnavailable, InvalidInput, NotDevlake
from lakehook.domain.event import Event
from lakehook.domain.json_document import to_json
from lakehook.ingestion.reconcile import MAX_PAGES, Reconcile, Reconciled
from lakehook.ports.queues import EventMessage
from tests.devlake.port import FakeDevlake
from tests.devlake.rows import shown
from tests.fakes import FakeClock, FakeJournal
from tests.fakes_ingress import FakePublisher
from tests.fanning_out import FanOutFunction
from tests.unit.test_deliver import World

CREATED, RUNNING, COMPLETED, FAILED, PARTIAL, CANCELLED = (
    f"PIPELINE_{state}"
    for state in ("CREATED", "RUNNING", "COMPLETED", "FAILED", "PARTIAL", "CANCELLED")
)
NOT_BEGUN = {"beganAt": None, "finishedAt": None}
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
    done: list[int] = field(default_factory=list)

    def reconcile(self, **how: Any) -> Reconciled:
        reconcile = Reconcile(
            self.devlake.reach, self.publisher.publish, FakeClock(), self.warnings.append
        )
        return reconcile(ADDRESS, done=self.done.append, **how)

    @property
    def sent(self) -> list[str]:
        return [event.pipeline_id for event in self.publisher.published]


@pytest.fixture
def reconciler() -> Reconciler:
    return Reconciler()


# --- what is sent ---


def test_each_pipeline_that_has_changed_since_is_sent_as_it_is_now(reconciler: Reconciler):
    reconciler.devlake.pipelines = [
        shown(3),
        shown(1, "TASK_RUNNING", finishedAt=None),
        long_ago(2),
    ]

    found = reconciler.reconcile()

    assert [(one.pipeline_id, one.type) for one in reconciler.publisher.published] == [
        ("1", RUNNING),
        ("3", COMPLETED),
    ]
    assert (found.read, found.sent, list(found.events)) == (3, 2, reconciler.publisher.published)
    assert reconciler.devlake.reached == [ADDRESS]


def test_unless_told_it_looks_back_a_day(reconciler: Reconciler):
    just = "2025-12-31T12:00:00Z"
    reconciler.devlake.pipelines = [long_ago(1), long_ago(2, updatedAt=just)]

    reconciler.reconcile()

    assert reconciler.sent == ["2"]


def test_it_looks_back_as_far_as_it_is_told(reconciler: Reconciler):
    reconciler.devlake.pipelines = [long_ago(1), shown(2)]

    found = reconciler.reconcile(since=0.0)

    assert reconciler.sent == ["1", "2"]
    assert found.since == 0.0


def test_a_dry_run_sends_nothing_and_says_what_it_would_send(reconciler: Reconciler):
    reconciler.devlake.pipelines = [shown(1)]

    found = reconciler.reconcile(dry_run=True)

    assert [event.pipeline_id for event in found.events] == ["1"]
    assert (reconciler.sent, found.sent) == ([], 0)


def test_a_project_is_its_blueprints_and_each_is_asked_for_once(reconciler: Reconciler):
    reconciler.devlake.pipelines = [shown(n, blueprintId=n % 2 * 7) for n in (1, 2, 3)]
    reconciler.devlake.projects = {7: "payments"}

    reconciler.reconcile()

    said = [one.document for one in reconciler.publisher.published]
    assert [one.get("project_name") for one in said] == ["payments", None, "payments"]
    assert [one["trigger_source"] for one in said] == ["blueprint:7", "manual", "blueprint:7"]
    assert reconciler.devlake.projects_asked == [7]


def test_a_blueprint_that_cannot_be_read_keeps_no_pipeline_from_being_sent(
    reconciler: Reconciler, monkeypatch: pytest.MonkeyPatch
):
    def fail(_: int) -> str:
        raise DevlakeUnavailable("DevLake answered 500 to GET /blueprints/7")

    reconciler.devlake.pipelines = [shown(1), shown(2, blueprintId=7)]
    monkeypatch.setattr(reconciler.devlake, "project_of", fail)

    reconciler.reconcile()

    assert reconciler.sent == ["1", "2"]


def test_the_blueprints_of_pipelines_that_have_not_changed_are_nobodys_business(
    reconciler: Reconciler,
):
    reconciler.devlake.pipelines = [shown(2), long_ago(1, blueprintId=7)]

    reconciler.reconcile()

    assert reconciler.devlake.projects_asked == []


# --- how far is read ---


def test_it_reads_on_until_a_whole_page_has_not_changed(reconciler: Reconciler):
    """An old pipeline that was run again is behind newer ones that were not."""
    reconciler.devlake.page_size = 2
    reconciler.devlake.pipelines = [shown(n) if n in (8, 5) else long_ago(n) for n in range(1, 10)]

    found = reconciler.reconcile()

    assert reconciler.sent == ["8"]
    assert (reconciler.devlake.pages_read, found.read) == (2, 4)


def test_all_are_found_that_were_created_since(reconciler: Reconciler):
    reconciler.devlake.page_size = 2
    reconciler.devlake.pipelines = [shown(n) for n in range(1, 6)]

    found = reconciler.reconcile()

    assert reconciler.sent == ["1", "2", "3", "4", "5"]
    assert found.read == 5
    assert reconciler.done == [2, 2, 1]


def test_a_devlake_without_pipelines_is_fine(reconciler: Reconciler):
    found = reconciler.reconcile()

    assert (found.read, found.sent) == (0, 0)


def test_what_moves_to_the_next_page_meanwhile_is_sent_once_and_as_read_last(
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

    found = reconciler.reconcile()

    assert [(one.pipeline_id, one.type) for one in reconciler.publisher.published] == [
        ("1", COMPLETED),
        ("2", COMPLETED),
    ]
    assert found.read == 2


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


# --- what goes wrong ---


def test_a_pipeline_that_cannot_be_told_is_left_out_and_named(reconciler: Reconciler):
    reconciler.devlake.pipelines = [shown(1), shown(2, "TASK_PONDERING")]

    found = reconciler.reconcile()

    assert reconciler.sent == ["1"]
    assert found.read == 1
    (warning,) = reconciler.warnings
    assert warning.startswith("left out: pipeline '2': Status: not one of TASK_CREATED")


def test_where_no_pipeline_can_be_told_there_is_no_devlake(reconciler: Reconciler):
    reconciler.devlake.pipelines = [{"id": 1, "state": "done"}]

    with pytest.raises(NotDevlake, match="no pipelines of DevLake's: pipeline '1': "):
        reconciler.reconcile()


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


# --- from DevLake to the receiver, in memory ---


class Stack:
    """Fan-out and delivery, and one subscriber of everything."""

    def __init__(self) -> None:
        self.world, self.journal = World(), FakeJournal()

    def take(self, events: Sequence[Event]) -> None:
        function = FanOutFunction(journal=self.journal, subscriptions=self.world.subscriptions)
        notices = [
            EventMessage(event.id, event.pipeline_id, to_json(event.document)) for event in events
        ]
        assert function.fan_out(notices) == []
        for delivery in function.queue.sent:
            self.world.receive(delivery)

    def told(self, pipeline: int) -> list[str]:
        history = self.journal.events(str(pipeline))
        return [str(one.sequenced.event.type) for one in history]

    @property
    def delivered(self) -> list[str]:
        return self.world.attempts.made


def reconciled(reconciler: Reconciler) -> list[Event]:
    reconciler.publisher.published.clear()
    reconciler.reconcile()
    return reconciler.publisher.published


@pytest.mark.parametrize(
    ("status", "changes", "told"),
    [
        ("TASK_CREATED", NOT_BEGUN, [CREATED]),
        ("TASK_RUNNING", {"finishedAt": None}, [CREATED, RUNNING]),
        ("TASK_COMPLETED", {}, [CREATED, RUNNING, COMPLETED]),
        ("TASK_PARTIAL", {}, [CREATED, RUNNING, PARTIAL]),
        ("TASK_FAILED", {"finishedAt": None}, [CREATED, RUNNING, FAILED]),
        ("TASK_CANCELLED", NOT_BEGUN, [CREATED, CANCELLED]),
    ],
    ids=[
        "waits",
        "runs",
        "has ended",
        "has ended in part",
        "was interrupted by a restart",
        "was cancelled while it waited",
    ],
)
def test_a_subscriber_hears_what_was_missed_and_a_second_run_tells_nothing_more(
    reconciler: Reconciler, status: str, changes: dict[str, Any], told: list[str]
):
    stack = Stack()
    reconciler.devlake.pipelines = [shown(39, status, **changes)]

    stack.take(reconciled(reconciler))
    once = list(stack.delivered)
    stack.take(reconciled(reconciler))

    assert stack.told(39) == told
    assert once == [f"sub_a#39#{n}" for n in range(1, len(told) + 1)]
    assert stack.delivered == once


def test_what_the_ingress_has_told_is_absorbed_and_only_the_rest_is_told(reconciler: Reconciler):
    stack = Stack()
    reconciler.devlake.pipelines = [shown(39, "TASK_RUNNING", finishedAt=None)]
    stack.take(reconciled(reconciler))
    reconciler.devlake.pipelines = [shown(39)]

    stack.take(reconciled(reconciler))

    assert stack.told(39) == [CREATED, RUNNING, COMPLETED]
    assert stack.delivered == ["sub_a#39#1", "sub_a#39#2", "sub_a#39#3"]


def test_a_rerun_is_a_round_of_its_own_and_told_once(reconciler: Reconciler):
    stack = Stack()
    reconciler.devlake.pipelines = [shown(39, "TASK_FAILED")]
    stack.take(reconciled(reconciler))
    later = {"beganAt": "2026-01-01T11:30:00Z", "updatedAt": "2026-01-01T11:40:00.003Z"}
    reconciler.devlake.pipelines = [shown(39, finishedAt="2026-01-01T11:40:00Z", **later)]

    stack.take(reconciled(reconciler))
    stack.take(reconciled(reconciler))

    assert stack.told(39) == [CREATED, RUNNING, FAILED, CREATED, RUNNING, COMPLETED]
    assert len(stack.delivered) == len(set(stack.delivered)) == 6


def test_a_rerun_that_waits_is_told_though_devlake_never_does(reconciler: Reconciler):
    stack = Stack()
    reconciler.devlake.pipelines = [shown(39, "TASK_FAILED")]
    stack.take(reconciled(reconciler))
    reconciler.devlake.pipelines = [shown(39, "TASK_RERUN", updatedAt="2026-01-01T11:30:00Z")]

    stack.take(reconciled(reconciler))
    stack.take(reconciled(reconciler))

    assert stack.told(39) == [CREATED, RUNNING, FAILED, CREATED]
    assert stack.delivered == [f"sub_a#39#{n}" for n in (1, 2, 3, 4)]


def test_a_rerun_that_a_restart_has_broken_off_has_not_finished_when_the_run_before_had(
    reconciler: Reconciler,
):
    stack = Stack()
    reconciler.devlake.pipelines = [shown(39, "TASK_FAILED")]
    stack.take(reconciled(reconciler))
    restarted = "2026-01-01T11:50:00Z"
    later = {"beganAt": "2026-01-01T11:30:00Z", "updatedAt": restarted}
    reconciler.devlake.pipelines = [shown(39, "TASK_FAILED", **later)]

    stack.take(reconciled(reconciler))

    (event,) = reconciler.publisher.published
    assert event.at == restarted
    assert "finished_at" not in event.document
    assert stack.told(39) == [CREATED, RUNNING, FAILED] * 2


def test_a_state_that_was_read_before_the_pipeline_went_on_changes_nothing(reconciler: Reconciler):
    stack = Stack()
    reconciler.devlake.pipelines = [shown(39, "TASK_RUNNING", finishedAt=None)]
    late = list(reconciled(reconciler))
    reconciler.devlake.pipelines = [shown(39)]
    stack.take(reconciled(reconciler))

    stack.take(late)

    assert stack.told(39) == [CREATED, RUNNING, COMPLETED]
    assert len(stack.delivered) == 3
