"""Contract of the index of unfinished pipelines, for the scheduler and the command."""

from collections.abc import Callable

import boto3
import pytest

from lakehook.adapters.dynamodb.items import to_item
from lakehook.adapters.dynamodb.journal import DynamoJournal
from lakehook.adapters.dynamodb.journal_items import (
    COUNTER,
    UNFINISHED_SHARDS,
    unfinished_partition,
    unfinished_partitions,
)
from lakehook.domain.pipeline import Pipeline, PipelineState, PipelineTransition
from lakehook.ports.stores import Journal
from lakehook.settings import PipelinesTable, StackOutputs
from tests.builders import an_event
from tests.fakes import NOON, FakeClock, FakeJournal
from tests.journaling import append_step, load_event

Accept = Callable[..., Pipeline]


@pytest.fixture(params=["fake", "dynamodb"])
def journal_and_accept(request: pytest.FixtureRequest, clock: FakeClock) -> tuple[Journal, Accept]:
    journal: Journal = FakeJournal(clock=clock)
    if request.param == "dynamodb":
        table = request.getfixturevalue("deployment").pipelines_table
        journal = DynamoJournal(boto3.client("dynamodb"), table, clock)

    def accept(pipeline_id: int, state: str, **changes: object) -> Pipeline:
        event = an_event(pipeline_id=pipeline_id, event_type=f"PIPELINE_{state}", **changes)
        pipeline, _ = load_event(journal, event)
        advance = pipeline.apply(event)
        assert isinstance(advance, PipelineTransition)
        append_step(journal, advance)
        return advance.after(now=clock.now())

    return journal, accept


@pytest.fixture
def journal(journal_and_accept: tuple[Journal, Accept]) -> Journal:
    return journal_and_accept[0]


@pytest.fixture
def accept(journal_and_accept: tuple[Journal, Accept]) -> Accept:
    return journal_and_accept[1]


def unfinished_keys(
    journal: Journal, stage: PipelineState, until: float = NOON, *, stalled: bool = False
) -> list[str]:
    return [pipeline.key for pipeline in journal.unfinished(stage, until=until, stalled=stalled)]


def test_pipelines_are_found_by_the_state_they_are_in(journal: Journal, accept: Accept):
    accept(1, "CREATED")
    accept(2, "RUNNING")
    accept(3, "COMPLETED")
    accept(4, "CREATED")
    accept(4, "CANCELLED")

    assert unfinished_keys(journal, PipelineState.CREATED) == ["1"]
    assert unfinished_keys(journal, PipelineState.RUNNING) == ["2"]


def test_the_longest_in_a_state_come_first_and_the_younger_not_at_all(
    journal: Journal, accept: Accept, clock: FakeClock
):
    for number in (3, 1, 2):
        accept(number, "CREATED")
        clock.sleep(1)

    assert unfinished_keys(journal, PipelineState.CREATED, NOON + 1) == ["3", "1"]


def test_a_page_leaves_out_pipelines_that_came_into_their_state_earlier(
    journal: Journal, accept: Accept, clock: FakeClock
):
    for number in (1, 2, 3):
        accept(number, "CREATED")
        clock.sleep(1)

    def found_since(since: float) -> list[str]:
        return [
            pipeline.key
            for pipeline in journal.unfinished(PipelineState.CREATED, until=NOON + 1, since=since)
        ]

    assert found_since(NOON) == ["1", "2"]
    assert found_since(NOON + 0.001) == ["2"]
    assert found_since(NOON + 1.001) == []  # later than ``until``


def test_a_found_pipeline_is_known_whole(journal: Journal, accept: Accept):
    accepted = accept(1, "RUNNING", began_at="2024-09-05T15:09:00Z")

    assert list(journal.unfinished(PipelineState.RUNNING, until=NOON)) == [accepted]


def test_a_pipeline_with_a_reported_stall_is_found_apart_until_it_moves_on(
    journal: Journal, accept: Accept
):
    accept(1, "CREATED")
    accept(1, "STALLED")

    assert unfinished_keys(journal, PipelineState.CREATED) == []
    assert unfinished_keys(journal, PipelineState.CREATED, stalled=True) == ["1"]
    accept(1, "RUNNING")
    assert unfinished_keys(journal, PipelineState.CREATED, stalled=True) == []
    assert unfinished_keys(journal, PipelineState.RUNNING) == ["1"]


def test_a_stall_is_leased_to_one_until_the_lease_is_over(
    journal: Journal, accept: Accept, clock: FakeClock
):
    pipeline = accept(1, "CREATED")

    assert journal.lease_stall(pipeline, until=NOON + 10)
    assert not journal.lease_stall(pipeline, until=NOON + 10)
    clock.sleep(10)
    assert journal.lease_stall(pipeline, until=NOON + 20)
    assert unfinished_keys(journal, PipelineState.CREATED) == ["1"]


@pytest.mark.parametrize("state", ["RUNNING", "CANCELLED", "STALLED"])
def test_a_pipeline_that_has_moved_on_is_leased_to_nobody(
    journal: Journal, accept: Accept, state: str
):
    pipeline = accept(1, "CREATED")
    accept(1, state)

    assert not journal.lease_stall(pipeline, until=NOON + 10)


def test_more_pipelines_are_found_than_a_page_holds(accept: Accept, journal: Journal):
    if isinstance(journal, DynamoJournal):
        query = journal.dynamodb.query
        journal.dynamodb.query = lambda **request: query(**request, Limit=2)  # type: ignore[method-assign]
    for number in range(5):
        accept(number, "CREATED")

    assert sorted(unfinished_keys(journal, PipelineState.CREATED)) == ["0", "1", "2", "3", "4"]


def test_the_longest_unfinished_come_first_whatever_their_shard(
    journal: Journal, accept: Accept, clock: FakeClock
):
    numbers = [str(number) for number in range(12)]
    for number in numbers:
        accept(int(number), "CREATED")
        clock.sleep(1)

    assert unfinished_keys(journal, PipelineState.CREATED, NOON + 60) == numbers


def test_pipelines_of_a_state_are_spread_over_partitions():
    partitions = {
        unfinished_partition(str(number), PipelineState.CREATED, stalled=False)
        for number in range(100)
    }

    assert partitions < set(unfinished_partitions(PipelineState.CREATED, stalled=False))
    assert len(partitions) == UNFINISHED_SHARDS


def test_a_pipeline_of_an_earlier_release_is_found_and_leased(
    deployment: StackOutputs, clock: FakeClock
):
    journal = DynamoJournal(boto3.client("dynamodb"), deployment.pipelines_table, clock)
    event = an_event(pipeline_id=1, event_type="PIPELINE_CREATED")
    pipeline, _ = load_event(journal, event)
    append_step(journal, advance := pipeline.apply(event))  # type: ignore[arg-type]
    journal.dynamodb.update_item(
        TableName=deployment.pipelines_table,
        Key=to_item({PipelinesTable.PARTITION_KEY: "1", PipelinesTable.SORT_KEY: COUNTER}),
        UpdateExpression="SET active = :unsharded",
        ExpressionAttributeValues=to_item({":unsharded": "created"}),
    )

    assert isinstance(advance, PipelineTransition)
    assert unfinished_keys(journal, PipelineState.CREATED) == ["1"]
    assert journal.lease_stall(advance.after(now=NOON), until=NOON + 10)
