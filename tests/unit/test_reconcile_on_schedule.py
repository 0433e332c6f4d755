"""Scheduled reconcile: lost states are found within minutes, once, and within limits."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakehook.domain.devlake.notification import PipelineRow
from lakehook.domain.devlake.sources import DevLakeSource
from lakehook.domain.errors import DevlakeUnavailable, InfrastructureError
from lakehook.domain.event import Event
from lakehook.domain.json_document import Document, to_json
from lakehook.domain.time import format_rfc3339
from lakehook.ingestion import scheduled_reconcile as run
from lakehook.ingestion.scheduled_reconcile import MIN_RUN_SECONDS, ReconcileOnSchedule
from lakehook.ports.ingress import DevLakePipelines
from lakehook.ports.queues import EventMessage
from tests.devlake.port import FakeDevlake
from tests.devlake.rows import a_task, waiting_pipeline
from tests.fakes import NOON, FakeClock, FakeJournal
from tests.fakes_ingress import FakePublisher
from tests.fakes_reconcile import FakeReconcileTelemetry, FakeReconciliations
from tests.fanning_out import FanOutFunction

CREATED, RUNNING, COMPLETED, FAILED, CANCELLED = (
    f"PIPELINE_{state}" for state in ("CREATED", "RUNNING", "COMPLETED", "FAILED", "CANCELLED")
)
MINUTE, HOUR, DAY = 60, 3600, 86_400
INTERVAL = 5 * MINUTE


def at(seconds: float) -> str:
    """Format a time of DevLake's, so many seconds after noon."""
    return format_rfc3339(NOON + seconds)


def waiting(number: int, seconds: float, **changes: Any) -> Document:
    return waiting_pipeline(number, at(seconds), **changes)


def running(number: int, seconds: float, **changes: Any) -> Document:
    began = {"status": "TASK_RUNNING", "beganAt": at(seconds), "updatedAt": at(seconds)}
    return waiting(number, seconds - 1, **began) | changes


def ended(number: int, seconds: float, status: str = "TASK_COMPLETED", **changes: Any) -> Document:
    ended_at = {"status": status, "updatedAt": at(seconds), "finishedAt": at(seconds)}
    return running(number, seconds - 10, **ended_at) | changes


@dataclass
class Scheduler:
    """The scheduler and fan-out, with one DevLake; a tick is a minute."""

    devlake: FakeDevlake = field(default_factory=FakeDevlake)
    clock: FakeClock = field(default_factory=FakeClock)
    reconciliations: FakeReconciliations = field(default_factory=FakeReconciliations)
    telemetry: FakeReconcileTelemetry = field(default_factory=FakeReconcileTelemetry)
    queue: FakePublisher = field(default_factory=FakePublisher)
    other_devlakes: dict[str, FakeDevlake] = field(default_factory=dict)
    is_off: bool = False
    ui_url: str | None = None

    def __post_init__(self) -> None:
        self.journal = FakeJournal(clock=self.clock)

    def tick(self, *, lasts: float = 20) -> int:
        reconcile = ReconcileOnSchedule(
            apis={} if self.is_off else self._apis(),
            reconciliations=self.reconciliations,
            journal=self.journal,
            publish=self.queue.publish,
            clock=self.clock,
            telemetry=self.telemetry,
        )
        return reconcile(ends_at=self.clock.now() + lasts)

    def _apis(self) -> dict[DevLakeSource, DevLakePipelines]:
        others_by_source = {
            DevLakeSource(name): devlake for name, devlake in self.other_devlakes.items()
        }
        return {DevLakeSource(ui_url=self.ui_url): self.devlake, **others_by_source}

    def run(self) -> list[tuple[str, str]]:
        """Run once, let fan-out process the events, and return what was published."""
        self.queue.published.clear()
        self.tick()
        published = list(self.queue.published)
        self.fan_out_events(*published)
        self.clock.sleep(INTERVAL)
        return [(event.pipeline_key, str(event.type)) for event in published]

    def fan_out_events(self, *events: Event) -> None:
        notices = [
            EventMessage(event.id, event.pipeline_key, to_json(event.document)) for event in events
        ]
        assert FanOutFunction(journal=self.journal).fan_out(notices) == []

    def types_of(self, key: str) -> list[str]:
        return [str(event.sequenced.event.type) for event in self.journal.events(key)]


def notices_of(rows: Iterable[Document]) -> list[Event]:
    """Events that the ingress makes of the notices of these rows."""
    return [PipelineRow.parse(row).to_event("") for row in rows]


@pytest.fixture
def scheduler() -> Scheduler:
    return Scheduler()


# --- lost states ---


@pytest.mark.parametrize(
    ("row", "types"),
    [
        (waiting(39, -600), [CREATED]),
        (running(39, -600), [CREATED, RUNNING]),
        (ended(39, -600), [CREATED, RUNNING, COMPLETED]),
        (ended(39, -600, "TASK_FAILED", finishedAt=None), [CREATED, RUNNING, FAILED]),
        (ended(39, -600, "TASK_CANCELLED", beganAt=None, finishedAt=None), [CREATED, CANCELLED]),
    ],
    ids=["waits", "runs", "has ended", "was interrupted", "was cancelled while it waited"],
)
def test_a_state_that_was_never_posted_is_published_once(
    scheduler: Scheduler, row: Document, types: list[str]
):
    scheduler.devlake.pipelines = [row]

    assert scheduler.run() == [("39", types[-1])]
    assert [scheduler.run() for _ in range(3)] == [[]] * 3
    assert scheduler.types_of("39") == types


def test_an_event_has_the_id_of_its_notice_and_the_failed_tasks_and_a_link(
    scheduler: Scheduler,
):
    row = ended(39, -600, "TASK_FAILED", message="it broke", name="nightly")
    scheduler.devlake.pipelines = [row]
    scheduler.devlake.tasks = {39: [a_task(12, "TASK_COMPLETED"), a_task(11, message="it broke")]}
    scheduler.ui_url = "https://devlake.example"
    (notice,) = notices_of([row])

    scheduler.run()

    (event,) = scheduler.queue.published
    assert (event.id, event.is_reconciled) == (notice.id, True)
    assert scheduler.telemetry.events == [event]
    assert event.document["message"] == "it broke"
    assert event.document["pipeline_name"] == "nightly"
    assert [task["id"] for task in event.document["failed_tasks"]] == [11]
    assert event.document["pipeline_url"] == "https://devlake.example/advanced/pipeline/39"


def test_a_pipeline_is_published_though_its_tasks_cannot_be_read(
    scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch
):
    def fail(_: int) -> NoReturn:
        raise DevlakeUnavailable("DevLake answered 500 to GET /pipelines/39/tasks")

    scheduler.devlake.pipelines = [ended(39, -600, "TASK_FAILED", message="it broke")]
    monkeypatch.setattr(scheduler.devlake, "tasks_of", fail)

    scheduler.run()

    (event,) = scheduler.queue.published
    assert event.document["message"] == "it broke"
    assert "failed_tasks" not in event.document


def test_the_project_is_that_of_the_blueprint_and_tasks_are_read_only_of_failures(
    scheduler: Scheduler,
):
    scheduler.devlake.pipelines = [ended(n, -600, blueprintId=7) for n in (38, 39)]
    scheduler.devlake.projects = {7: "payments"}

    scheduler.run()

    documents = [event.document for event in scheduler.queue.published]
    assert [document["project_name"] for document in documents] == ["payments", "payments"]
    assert {document["trigger_source"] for document in documents} == {"blueprint:7"}
    assert (scheduler.devlake.projects_asked, scheduler.devlake.tasks_asked) == ([7], [])


def test_a_pipeline_is_published_though_its_blueprint_cannot_be_read(
    scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch
):
    def ask(number: int, project_of: Callable[[int], str] = scheduler.devlake.project_of) -> str:
        if number == 7:
            raise DevlakeUnavailable("DevLake answered 500 to GET /blueprints/7")
        return project_of(number)

    scheduler.devlake.projects = {7: "payments", 8: "search"}
    scheduler.devlake.pipelines = [running(38, -600, blueprintId=7)]
    scheduler.run()
    scheduler.devlake.pipelines = [
        ended(38, -300, blueprintId=7, beganAt=at(-600)),
        ended(39, -300, blueprintId=7),
        ended(40, -300, blueprintId=8),
    ]
    monkeypatch.setattr(scheduler.devlake, "project_of", ask)

    scheduler.run()

    projects = {
        event.pipeline_id: event.document.get("project_name") for event in scheduler.queue.published
    }
    assert projects == {"38": "payments", "39": None, "40": "search"}
    assert scheduler.telemetry.failures == []


def test_a_pipeline_that_cannot_be_read_keeps_no_other_from_its_turn(
    scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch
):
    def ask(
        number: int, pipeline_of: Callable[[int], Document | None] = scheduler.devlake.pipeline
    ) -> Document | None:
        if number == 1:
            raise DevlakeUnavailable("DevLake answered 500 to GET /pipelines/1")
        return pipeline_of(number)

    old_ones(scheduler)
    scheduler.fan_out_events(*notices_of([running(1, -4 * DAY), running(2, -4 * DAY)]))
    for number in (1, 2):
        end = at(-3 * DAY)
        change(scheduler, number, beganAt=at(-4 * DAY), finishedAt=end, updatedAt=end)
    monkeypatch.setattr(scheduler.devlake, "pipeline", ask)
    scheduler.clock.sleep(HOUR)

    assert scheduler.run() == [("2", COMPLETED)]
    (report,) = scheduler.telemetry.reports
    assert report.unreadable == ("left out: pipeline 1: DevLake answered 500 to GET /pipelines/1",)


def test_a_pipeline_that_cannot_be_read_is_left_out_and_counted(scheduler: Scheduler):
    scheduler.devlake.pipelines = [ended(38, -600), ended(39, -600, "TASK_PONDERING")]

    assert scheduler.run() == [("38", COMPLETED)]
    (report,) = scheduler.telemetry.reports
    assert report.unreadable[0].startswith("left out: pipeline '39': Status: not one of")


# --- pipelines of any age ---


def old_ones(scheduler: Scheduler, count: int = 200) -> None:
    """Add pipelines that were all received, and ended days ago."""
    scheduler.devlake.pipelines = [ended(n, -5 * DAY + n) for n in range(1, count + 1)]
    scheduler.fan_out_events(*notices_of(scheduler.devlake.pipelines))


def change(scheduler: Scheduler, number: int, **changes: Any) -> None:
    scheduler.devlake.tables.pipelines[number] |= changes


def test_a_rerun_of_an_old_pipeline_is_found_as_it_waits_as_it_runs_and_when_it_ends(
    scheduler: Scheduler,
):
    """DevLake's row has the end of the run before, and its next end is on page 4."""
    old_ones(scheduler)
    change(scheduler, 7, status="TASK_FAILED", updatedAt=at(-5 * DAY + 7.001))
    scheduler.fan_out_events(*notices_of(scheduler.devlake.pipelines)[6:7])

    change(scheduler, 7, status="TASK_RERUN", updatedAt=at(-5 * DAY + 8))
    waits = scheduler.run()
    change(scheduler, 7, status="TASK_RUNNING", beganAt=at(200))
    runs = scheduler.run()
    change(scheduler, 7, status="TASK_COMPLETED", finishedAt=at(500), updatedAt=at(500))
    ends = [scheduler.run(), scheduler.run()]

    assert (waits, runs) == ([("7", CREATED)], [("7", RUNNING)])
    assert ends == [[("7", COMPLETED)], []]
    assert scheduler.devlake.pages_read < 30


def test_a_state_that_changed_without_its_time_is_found_on_the_page_that_is_read(
    scheduler: Scheduler,
):
    scheduler.devlake.pipelines = [running(39, -3 * HOUR), ended(40, -60)]
    scheduler.fan_out_events(*notices_of(scheduler.devlake.pipelines))
    scheduler.run()
    change(scheduler, 39, status="TASK_FAILED")

    scheduler.clock.sleep(HOUR)
    assert scheduler.run() == [("39", FAILED)]
    assert scheduler.devlake.pipelines_asked == []  # it was read with the page


def test_a_pipeline_that_devlake_has_no_more_stays_as_it_is_and_stops_no_other(
    scheduler: Scheduler,
):
    scheduler.devlake.pipelines = [running(1, -900), running(2, -800)]
    scheduler.fan_out_events(*notices_of(scheduler.devlake.pipelines))
    scheduler.devlake.pipelines = [ended(2, -3 * DAY)]
    change(scheduler, 2, beganAt=at(-800), finishedAt=at(-700))
    scheduler.clock.sleep(HOUR)

    assert scheduler.run() == [("2", COMPLETED)]
    assert 1 in scheduler.devlake.pipelines_asked
    assert scheduler.telemetry.failures == []


def test_each_devlake_is_asked_for_its_own_pipelines_alone(scheduler: Scheduler):
    scheduler.other_devlakes = {"staging": FakeDevlake()}
    (event,) = notices_of([running(7, -900)])
    ids = ["nightly", "task:7", "007", str(2**64)]
    scheduler.fan_out_events(
        *(
            Event.from_document(event.document | {"pipeline_id": id_, "event_id": id_})
            for id_ in ids
        ),
        Event.from_document(event.document | {"source": "staging"}),
    )

    scheduler.clock.sleep(HOUR)
    scheduler.run()

    assert len(scheduler.journal.pipelines) == 5
    assert scheduler.devlake.pipelines_asked == []
    assert scheduler.other_devlakes["staging"].pipelines_asked == [7]


def test_no_run_asks_for_more_than_its_bound_and_each_gets_its_turn(scheduler: Scheduler):
    count = 3 * run.MAX_READ_BY_ID + 1
    scheduler.devlake.pipelines = [running(n, -900 + n) for n in range(1, count + 1)]
    scheduler.fan_out_events(*notices_of(scheduler.devlake.pipelines))
    scheduler.devlake.pipelines = []
    scheduler.clock.sleep(HOUR)

    turns = []
    for _ in range(5):
        scheduler.run()
        turns.append(len(scheduler.devlake.pipelines_asked))

    bound = run.MAX_READ_BY_ID
    assert turns == [bound, 2 * bound, 3 * bound, 3 * bound + 1, 4 * bound + 1]
    numbers = scheduler.devlake.pipelines_asked
    assert sorted(numbers[:count]) == list(range(1, count + 1))
    assert numbers[count:] == numbers[:bound]


def test_pipelines_of_other_producers_take_no_turn_of_devlakes(
    scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(run, "MAX_HELD", 3)
    (event,) = notices_of([running(7, -900)])
    for id_ in ("a", "b", "c", "d", "e", "7"):
        scheduler.fan_out_events(
            Event.from_document(event.document | {"pipeline_id": id_, "event_id": id_})
        )
        scheduler.clock.sleep(1)
    scheduler.clock.sleep(HOUR)

    for _ in range(5):
        scheduler.run()

    assert scheduler.devlake.pipelines_asked == [7, 7]


# --- pages ---


def lists_read(runs: int = 1) -> int:
    """Count the requests for the lists of a DevLake in which nothing waits or runs."""
    return runs * len(run.UNFINISHED)


def test_in_a_quiet_devlake_a_run_reads_two_pages_and_the_lists(scheduler: Scheduler):
    old_ones(scheduler)
    scheduler.run()
    before = scheduler.devlake.pages_read

    scheduler.run()

    assert scheduler.devlake.pages_read - before == 1 + lists_read()
    assert scheduler.journal.pipelines_read == 0


def test_the_first_run_looks_back_a_day_and_no_later_one_further(scheduler: Scheduler):
    scheduler.devlake.pipelines = [ended(38, -DAY - 1), ended(39, -DAY + 1)]

    assert scheduler.run() == [("39", COMPLETED)]
    assert [scheduler.run() for _ in range(3)] == [[]] * 3


def test_more_than_a_run_reads_is_read_by_the_next_ones(scheduler: Scheduler):
    count = 50
    scheduler.devlake.page_size = 2
    scheduler.devlake.pipelines = [ended(n, -HOUR + n) for n in range(1, count + 1)]

    runs = [scheduler.run() for _ in range(4)]

    bound = 2 * scheduler.devlake.page_size * run.MAX_PAGES
    assert [len(published) for published in runs] == [bound, count - bound, 0, 0]
    assert {int(key) for published in runs for key, _ in published} == set(range(1, count + 1))
    assert [report.has_backlog for report in scheduler.telemetry.reports] == [True, *[False] * 3]


def test_new_pipelines_are_found_while_older_pages_are_read(scheduler: Scheduler):
    scheduler.devlake.page_size = 2
    scheduler.devlake.pipelines = [ended(n, -20 * HOUR + 600 * n) for n in range(1, 51)]
    scheduler.run()
    scheduler.devlake.pipelines += [ended(51, 100), ended(52, 110)]

    second = scheduler.run()

    assert second[:2] == [("51", COMPLETED), ("52", COMPLETED)]
    assert len(second) == 2 + 10
    assert scheduler.run() == []


def test_a_change_of_all_rows_at_once_is_worked_off_in_spite_of_the_overlap(scheduler: Scheduler):
    """A migration of DevLake's database may do it."""
    scheduler.devlake.page_size = 2
    scheduler.devlake.pipelines = [ended(n, -600) for n in range(1, 101)]

    runs = [scheduler.run() for _ in range(5)]

    assert [len(published) for published in runs] == [40, 20, 20, 20, 0]
    assert not scheduler.telemetry.reports[-1].has_backlog


def test_a_pipeline_that_moves_to_the_next_page_is_found_and_published_once(scheduler: Scheduler):
    class Moving(FakeDevlake):
        def page(self, number: int, **query: Any) -> Sequence[Document]:
            page = super().page(number, **query)
            if number == 1 and not query["status"] and len(self.pipelines) == 3:
                self.pipelines = [*self.pipelines, ended(4, -90)]
            return page

    scheduler.devlake = Moving(page_size=2)
    scheduler.devlake.pipelines = [ended(n, -100) for n in (1, 2, 3)]

    first, second = scheduler.run(), scheduler.run()

    assert [key for key, _ in first] == ["2", "3", "1"]
    assert second == [("4", COMPLETED)]


def test_a_row_that_changes_while_pages_are_read_is_published_in_order(scheduler: Scheduler):
    class Quick(FakeDevlake):
        def page(self, number: int, **query: Any) -> Sequence[Document]:
            page = super().page(number, **query)
            self.pipelines = [running(39, -100)]
            return page

    scheduler.devlake = Quick()
    scheduler.devlake.pipelines = [waiting(39, -101)]

    assert scheduler.run() == [("39", CREATED), ("39", RUNNING)]
    assert scheduler.types_of("39") == [CREATED, RUNNING]


# --- events under way ---


def test_a_row_that_has_just_changed_is_left_to_the_next_run(scheduler: Scheduler):
    scheduler.devlake.pipelines = [ended(38, -90), ended(39, -1), running(40, -1)]

    assert scheduler.run() == [("38", COMPLETED)]
    assert scheduler.run() == [("39", COMPLETED), ("40", RUNNING)]


@pytest.mark.parametrize("notice_first", [True, False])
def test_a_notice_under_way_and_its_reconciled_state_are_one_event(
    scheduler: Scheduler, *, notice_first: bool
):
    scheduler.devlake.pipelines = [running(39, -90)]
    (notice,) = notices_of(scheduler.devlake.pipelines)
    scheduler.tick()
    (reconciled,) = scheduler.queue.published

    scheduler.fan_out_events(*([notice, reconciled] if notice_first else [reconciled, notice]))
    scheduler.devlake.pipelines = [ended(39, -60, beganAt=at(-90))]
    scheduler.fan_out_events(*notices_of(scheduler.devlake.pipelines))
    scheduler.fan_out_events(reconciled)  # late

    assert scheduler.types_of("39") == [CREATED, RUNNING, COMPLETED]


def test_while_fan_out_is_behind_nothing_is_published_again(scheduler: Scheduler):
    scheduler.devlake.pipelines = [running(39, -90)]

    for _ in range(HOUR // INTERVAL):
        scheduler.tick()
        scheduler.clock.sleep(INTERVAL)
    assert len(scheduler.queue.published) == 1

    scheduler.tick()
    assert len(scheduler.queue.published) == 2  # in case it was lost on its way


# --- DevLake's clock ---


@pytest.mark.parametrize("wrong_by", [-8 * HOUR, 8 * HOUR])
def test_a_devlake_whose_clock_is_wrong_by_hours_loses_nothing(
    scheduler: Scheduler, wrong_by: float
):
    published = []
    for number in range(1, 5):
        row = ended(number, wrong_by + scheduler.clock.now() - NOON - 100)
        scheduler.devlake.pipelines = [*scheduler.devlake.pipelines, row]
        published += scheduler.run()

    assert published == [(str(n), COMPLETED) for n in range(1, 5)]


def test_a_time_far_in_the_future_hides_nothing_that_comes_after_it(scheduler: Scheduler):
    scheduler.devlake.pipelines = [ended(1, -100, updatedAt="2099-01-01T00:00:00Z")]
    scheduler.run()
    scheduler.devlake.pipelines = [*scheduler.devlake.pipelines, ended(2, 100)]

    assert scheduler.run() == [("2", COMPLETED)]


# --- when it fails ---


@dataclass
class Failing(FakeDevlake):
    """A DevLake that fails at the requests of these numbers, from 1 on."""

    away_at: frozenset[int] = frozenset()
    requests: int = 0

    def _answer(self, target: str) -> tuple[int, Any]:
        self.requests += 1
        self.away = self.requests in self.away_at
        return super()._answer(target)


@pytest.mark.parametrize("away_at", range(1, 8))
def test_whichever_request_fails_nothing_is_lost(scheduler: Scheduler, away_at: int):
    rows = [ended(n, -HOUR + n) for n in range(1, 5)] + [running(5, -900), waiting(6, -800)]
    scheduler.devlake = Failing(page_size=2, away_at=frozenset([away_at]))
    scheduler.devlake.pipelines = rows
    scheduler.run()
    scheduler.clock.sleep(INTERVAL)

    scheduler.run()

    assert scheduler.telemetry.failures == [(None, "DevLake is unavailable: no connection")]
    assert [scheduler.types_of(str(n))[-1] for n in range(1, 7)] == [COMPLETED] * 4 + [
        RUNNING,
        CREATED,
    ]
    assert len(scheduler.telemetry.reports) == 1


def test_an_event_that_sqs_refused_is_published_by_the_next_run(
    scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch
):
    def refuse(*_: Any, **__: Any) -> NoReturn:
        raise InfrastructureError("SQS is away")

    scheduler.devlake.pipelines = [ended(39, -600)]
    with monkeypatch.context() as patched:
        patched.setattr(scheduler.queue, "publish", refuse)
        assert scheduler.run() == []

    assert scheduler.run() == [("39", COMPLETED)]
    assert scheduler.telemetry.failures == [(None, "SQS is away")]


def test_without_an_api_or_a_readable_state_no_request_is_made(scheduler: Scheduler):
    scheduler.reconciliations.away = True
    assert scheduler.tick() == 0
    assert scheduler.telemetry.failures == [(None, "DynamoDB is away")]

    scheduler.is_off = True
    assert scheduler.tick() == 0
    assert (scheduler.devlake.pages_read, scheduler.telemetry.lags) == (0, [])


def test_an_answer_that_is_not_devlakes_has_failed(scheduler: Scheduler):
    scheduler.devlake.pipelines = [{"id": 1, "state": "done"}]

    scheduler.tick()

    ((_, error),) = scheduler.telemetry.failures
    assert error.startswith("what it lists are no pipelines of DevLake's")


def test_a_failing_devlake_is_asked_less_and_less_often(scheduler: Scheduler):
    scheduler.devlake.away = True
    minutes = []
    for minute in range(100):
        before = len(scheduler.telemetry.failures)
        scheduler.tick()
        minutes += [minute] if len(scheduler.telemetry.failures) > before else []
        scheduler.clock.sleep(MINUTE)

    assert minutes == [0, 5, 15, 35, 55, 75, 95]
    assert scheduler.telemetry.lags[-1] == 99 * MINUTE
    (state,) = scheduler.reconciliations.by_source.values()
    assert (state.error, state.succeeded_at) == ("DevLake is unavailable: no connection", None)


def test_a_success_ends_the_backing_off(scheduler: Scheduler):
    scheduler.devlake.away = True
    for _ in range(8):
        scheduler.run()
    scheduler.devlake.away = False
    for _ in range(4):
        scheduler.run()

    (state,) = scheduler.reconciliations.by_source.values()
    assert (state.failures, state.lag(now=scheduler.clock.now())) == (0, INTERVAL)
    assert state.due_at == scheduler.clock.now()


@dataclass
class Slow(FakeDevlake):
    """A DevLake that takes some seconds for each request."""

    clock: FakeClock = field(default_factory=FakeClock)
    seconds: float = 0.0

    def _answer(self, target: str) -> tuple[int, Any]:
        self.clock.sleep(self.seconds)
        return super()._answer(target)


def test_a_slow_devlake_takes_no_more_than_the_time_of_a_run_and_goes_on_next_time(
    scheduler: Scheduler,
):
    scheduler.devlake = Slow(page_size=1, clock=scheduler.clock, seconds=4.5)
    scheduler.devlake.pipelines = [ended(n, -600) for n in range(1, 5)]
    began = scheduler.clock.now()

    scheduler.tick(lasts=60)

    assert scheduler.clock.now() - began <= 20
    ((_, error),) = scheduler.telemetry.failures
    assert error.startswith("the time of a run is over")
    assert [event.pipeline_id for event in scheduler.queue.published] == ["4", "3", "2", "1"]


def test_no_run_begins_for_which_no_time_is_left_and_the_next_tick_makes_up_for_it(
    scheduler: Scheduler,
):
    scheduler.devlake.pipelines = [ended(39, -600)]

    assert scheduler.tick(lasts=MIN_RUN_SECONDS - 1) == 0
    assert scheduler.devlake.pages_read == 0
    scheduler.clock.sleep(MINUTE)

    assert scheduler.tick() == 1
    for _ in range(3 * INTERVAL // MINUTE):
        scheduler.tick(lasts=1)
        scheduler.clock.sleep(MINUTE)
    assert scheduler.telemetry.failures == [(None, "no time is left in this tick")] * 4


def test_nothing_is_asked_until_the_interval_is_over(scheduler: Scheduler):
    for _ in range(10):
        scheduler.tick()
        scheduler.clock.sleep(MINUTE)

    assert scheduler.devlake.pages_read == 2 * (1 + lists_read())
    assert scheduler.telemetry.lags == [0, 60, 120, 180, 240] * 2


def test_of_two_schedulers_one_runs(scheduler: Scheduler):
    other = Scheduler(reconciliations=scheduler.reconciliations, clock=scheduler.clock)
    states = [None, None]
    scheduler.reconciliations.find = lambda _source: states.pop()  # type: ignore[method-assign]

    scheduler.tick()
    other.tick()

    assert [candidate.devlake.pages_read > 0 for candidate in (scheduler, other)] == [True, False]


def test_an_internal_error_ends_the_run_but_not_the_tick_and_its_text_is_not_stored(
    scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch
):
    def fault(*_: Any, **__: Any) -> None:
        raise TypeError("s3cret")

    monkeypatch.setattr(scheduler.journal, "read_pipelines", fault)
    scheduler.devlake.pipelines = [ended(39, -600)]

    assert scheduler.tick() == 0
    (state,) = scheduler.reconciliations.by_source.values()
    assert state.error == "TypeError"
    assert list(map(type, scheduler.telemetry.faults)) == [TypeError]


# --- several DevLakes ---


def test_each_devlake_has_pipelines_of_its_own(scheduler: Scheduler):
    scheduler.devlake.pipelines = [ended(39, -600)]
    scheduler.other_devlakes = {"staging": FakeDevlake()}
    scheduler.other_devlakes["staging"].pipelines = [ended(39, -600, "TASK_FAILED")]

    assert scheduler.run() == [("39", COMPLETED), ("staging/39", FAILED)]
    assert [scheduler.run() for _ in range(3)] == [[]] * 3
    assert {report.source for report in scheduler.telemetry.reports} == {None, "staging"}


def test_an_unavailable_devlake_has_a_lag_and_does_not_fail_another(scheduler: Scheduler):
    scheduler.other_devlakes = {"staging": FakeDevlake()}
    scheduler.other_devlakes["staging"].pipelines = [ended(39, -600)]
    scheduler.devlake.away = True

    assert scheduler.run() == [("staging/39", COMPLETED)]
    scheduler.run()

    assert [source for source, _ in scheduler.telemetry.failures] == [None, None]
    assert scheduler.telemetry.lags == [0, INTERVAL]


def test_devlakes_for_which_a_tick_has_no_time_left_get_it_at_the_next_ones(scheduler: Scheduler):
    def slow() -> Slow:
        return Slow(clock=scheduler.clock, seconds=4.5)

    scheduler.devlake = slow()
    scheduler.other_devlakes = {name: slow() for name in ("a", "b", "c")}
    attempts = []
    for _ in range(12):
        scheduler.tick()
        attempts.append(len(scheduler.telemetry.failures) + len(scheduler.telemetry.reports))
        scheduler.clock.sleep(MINUTE)

    assert attempts[:4] == [1, 2, 3, 4]
    assert (
        min(
            devlake.pages_read
            for devlake in (scheduler.devlake, *scheduler.other_devlakes.values())
        )
        >= 4
    )


# --- random losses ---


@dataclass
class Lossy:
    """A DevLake whose notices may be lost, and which changes its rows as the real one does."""

    scheduler: Scheduler
    rows: dict[int, Document] = field(default_factory=dict)

    def step(self, number: int, choice: int, *, is_posted: bool) -> None:
        row = self.rows.get(number)
        steps = _STEPS[row["status"] if row else None]
        if not steps:
            return
        status, is_told = steps[choice % len(steps)]
        self.rows[number] = row = self._changed(row or waiting(number, self.now), status)
        self.scheduler.devlake.pipelines = list(self.rows.values())
        if is_posted and is_told:
            self.scheduler.fan_out_events(PipelineRow.parse(row).to_event(""))

    def _changed(self, row: Document, status: str) -> Document:
        is_restart = status == "TASK_FAILED" and self.scheduler.clock.now() % 2
        now = at(self.now)
        row = row | {"status": status, "updatedAt": at(self.now + 0.001)}
        match status:
            case "TASK_RUNNING":
                return row | {"beganAt": now}
            case "TASK_COMPLETED" | "TASK_FAILED" if not is_restart:
                return row | {"finishedAt": now}
        return row

    @property
    def now(self) -> float:
        return self.scheduler.clock.now() - NOON


_STEPS: dict[str | None, list[tuple[str, bool]]] = {  # to a status, and whether a notice is sent
    None: [("TASK_CREATED", True)],
    "TASK_CREATED": [("TASK_RUNNING", True), ("TASK_CANCELLED", False)],
    "TASK_RUNNING": [("TASK_COMPLETED", True), ("TASK_FAILED", True), ("TASK_FAILED", False)],
    "TASK_FAILED": [("TASK_RERUN", False)],
    "TASK_RERUN": [("TASK_RUNNING", True)],
    "TASK_COMPLETED": [],
    "TASK_CANCELLED": [],
}
STEPS = st.tuples(st.integers(1, 4), st.integers(0, 5), st.booleans(), st.integers(1, 900))


@given(st.lists(STEPS, max_size=40))
@settings(deadline=None)
def test_lost_states_are_known_within_a_few_runs(steps: list[tuple[int, int, bool, int]]):
    scheduler = Scheduler()
    devlake = Lossy(scheduler)
    for number, choice, is_posted, seconds in steps:
        devlake.step(number, choice, is_posted=is_posted)
        for _ in range(seconds // MINUTE):
            scheduler.clock.sleep(MINUTE)
            scheduler.tick()
            scheduler.fan_out_events(*scheduler.queue.published)
            scheduler.queue.published.clear()
        scheduler.clock.sleep(seconds % MINUTE)
    for _ in range(3):
        scheduler.run()

    rows = {n: row for n, row in devlake.rows.items() if row["status"] != "TASK_RERUN"}
    latest_types = {number: scheduler.types_of(str(number))[-1] for number in rows}
    assert latest_types == {
        number: str(PipelineRow.parse(row).to_event("").type) for number, row in rows.items()
    }
    assert scheduler.run() == []
