"""What the clock and the command rely on to find pipelines that have not ended."""

from collections.abc import Callable

import boto3
import pytest

from lakehook.adapters.dynamodb.journal import DynamoJournal, DynamoUnfinishedPipelines
from lakehook.domain.pipeline import Pipeline, PipelineState, PipelineTransition
from lakehook.ports.stores import UnfinishedPipelines
from tests.builders import an_event
from tests.fakes import NOON, FakeClock, FakeJournal

Accept = Callable[..., Pipeline]


@pytest.fixture(params=["fake", "dynamodb"])
def watched(request: pytest.FixtureRequest, clock: FakeClock) -> tuple[UnfinishedPipelines, Accept]:
    journal: FakeJournal | DynamoJournal = FakeJournal(clock=clock)
    watch: UnfinishedPipelines = journal if isinstance(journal, FakeJournal) else None
    if request.param == "dynamodb":
        table = request.getfixturevalue("deployment").pipelines_table
        journal = DynamoJournal(boto3.client("dynamodb"), table, clock)
        watch = DynamoUnfinishedPipelines(boto3.client("dynamodb"), table, clock)

    def accept(pipeline_id: int, state: str, **changes: object) -> Pipeline:
        event = an_event(pipeline_id=pipeline_id, event_type=f"PIPELINE_{state}", **changes)
        pipeline, _ = journal.load(event)
        advance = pipeline.apply(event)
        assert isinstance(advance, PipelineTransition)
        journal.append(advance)
        return advance.after(now=clock.now())

    return watch, accept


@pytest.fixture
def watch(watched: tuple[UnfinishedPipelines, Accept]) -> UnfinishedPipelines:
    return watched[0]


@pytest.fixture
def accept(watched: tuple[UnfinishedPipelines, Accept]) -> Accept:
    return watched[1]


def found(
    watch: UnfinishedPipelines, stage: PipelineState, until: float = NOON, *, stalled: bool = False
) -> list[str]:
    return [one.key for one in watch.list(stage, until=until, stalled=stalled)]


def test_pipelines_are_found_by_the_state_they_are_in(watch: UnfinishedPipelines, accept: Accept):
    accept(1, "CREATED")
    accept(2, "RUNNING")
    accept(3, "COMPLETED")
    accept(4, "CREATED")
    accept(4, "CANCELLED")

    assert found(watch, PipelineState.CREATED) == ["1"]
    assert found(watch, PipelineState.RUNNING) == ["2"]


def test_the_longest_in_a_state_come_first_and_the_younger_not_at_all(
    watch: UnfinishedPipelines, accept: Accept, clock: FakeClock
):
    for number in (3, 1, 2):
        accept(number, "CREATED")
        clock.sleep(1)

    assert found(watch, PipelineState.CREATED, NOON + 1) == ["3", "1"]


def test_who_goes_on_leaves_out_those_that_came_into_their_state_earlier(
    watch: UnfinishedPipelines, accept: Accept, clock: FakeClock
):
    for number in (1, 2, 3):
        accept(number, "CREATED")
        clock.sleep(1)

    def found_since(since: float) -> list[str]:
        return [one.key for one in watch.list(PipelineState.CREATED, until=NOON + 1, since=since)]

    assert found_since(NOON) == ["1", "2"]
    assert found_since(NOON + 0.001) == ["2"]
    assert found_since(NOON + 1.001) == []  # later than ``until``


def test_a_found_pipeline_is_known_whole(watch: UnfinishedPipelines, accept: Accept):
    accepted = accept(1, "RUNNING", began_at="2024-09-05T15:09:00Z")

    assert list(watch.list(PipelineState.RUNNING, until=NOON)) == [accepted]


def test_one_whose_stall_was_told_is_found_apart_until_it_moves_on(
    watch: UnfinishedPipelines, accept: Accept
):
    accept(1, "CREATED")
    accept(1, "STALLED")

    assert found(watch, PipelineState.CREATED) == []
    assert found(watch, PipelineState.CREATED, stalled=True) == ["1"]
    accept(1, "RUNNING")
    assert found(watch, PipelineState.CREATED, stalled=True) == []
    assert found(watch, PipelineState.RUNNING) == ["1"]


def test_a_stall_is_leased_to_one_until_the_lease_is_over(
    watch: UnfinishedPipelines, accept: Accept, clock: FakeClock
):
    pipeline = accept(1, "CREATED")

    assert watch.lease(pipeline, until=NOON + 10)
    assert not watch.lease(pipeline, until=NOON + 10)
    clock.sleep(10)
    assert watch.lease(pipeline, until=NOON + 20)
    assert found(watch, PipelineState.CREATED) == ["1"]


@pytest.mark.parametrize("state", ["RUNNING", "CANCELLED", "STALLED"])
def test_what_has_moved_on_is_leased_to_nobody(
    watch: UnfinishedPipelines, accept: Accept, state: str
):
    pipeline = accept(1, "CREATED")
    accept(1, state)

    assert not watch.lease(pipeline, until=NOON + 10)


def test_more_are_found_than_a_page_holds(accept: Accept, watch: UnfinishedPipelines):
    if isinstance(watch, DynamoUnfinishedPipelines):
        query = watch.dynamodb.query
        watch.dynamodb.query = lambda **request: query(**request, Limit=2)  # type: ignore[method-assign]
    for number in range(5):
        accept(number, "CREATED")

    assert sorted(found(watch, PipelineState.CREATED)) == ["0", "1", "2", "3", "4"]
