"""What fan-out relies on in a journal."""

import boto3
import pytest

from lakehook.adapters.dynamo_journal import DynamoJournal
from lakehook.domain.errors import OwnTrouble
from lakehook.domain.pipeline import Pipeline
from lakehook.ports import Journal
from tests.builders import an_event
from tests.fakes import NOON, FakeClock, FakeJournal


@pytest.fixture(params=["fake", "dynamodb"])
def journal(request: pytest.FixtureRequest, clock: FakeClock) -> Journal:
    if request.param == "fake":
        return FakeJournal(clock=clock)
    deployment = request.getfixturevalue("deployment")
    return DynamoJournal(
        boto3.client("dynamodb"), deployment.pipelines_table, clock, retention_seconds=86400
    )


def test_a_pipeline_nobody_spoke_of_stands_at_nothing(journal: Journal):
    assert journal.open(an_event()) == (Pipeline("39"), None)


def test_what_is_appended_is_found_again_and_the_pipeline_has_moved(journal: Journal):
    event = an_event(timestamp="2024-09-05T15:08:00.123456789Z", data={"湖": [1.5, None, "\uffff"]})
    pipeline, _ = journal.open(event)
    journal.append(pipeline, pipeline.next(event))

    pipeline, known = journal.open(event)

    assert pipeline == Pipeline("39", 1, "PIPELINE_CREATED")
    assert known == Pipeline("39").next(event)


def test_the_second_event_knows_the_first(journal: Journal):
    first, second = an_event(event_id="e1"), an_event(event_id="e2", event_type="PIPELINE_RUNNING")
    pipeline, _ = journal.open(first)
    journal.append(pipeline, pipeline.next(first))
    pipeline, _ = journal.open(second)
    journal.append(pipeline, pipeline.next(second))

    pipeline, known = journal.open(second)

    assert (pipeline.sequence, known and known.sequence) == (2, 2)
    assert known
    assert known.previous_event_type == "PIPELINE_CREATED"


def test_of_two_who_append_at_once_one_is_refused(journal: Journal):
    first, second = an_event(event_id="e1"), an_event(event_id="e2")
    pipeline, _ = journal.open(first)
    journal.append(pipeline, pipeline.next(first))

    with pytest.raises(OwnTrouble):
        journal.append(pipeline, pipeline.next(second))

    assert journal.open(second) == (Pipeline("39", 1, "PIPELINE_CREATED"), None)


def test_an_event_is_never_numbered_twice(journal: Journal):
    event = an_event()
    pipeline, _ = journal.open(event)
    journal.append(pipeline, pipeline.next(event))
    pipeline, _ = journal.open(event)

    with pytest.raises(OwnTrouble):
        journal.append(pipeline, pipeline.next(event))


def test_the_same_event_id_in_another_pipeline_is_another_event(journal: Journal):
    one, other = an_event(event_id="e"), an_event(event_id="e", pipeline_id=40)
    pipeline, _ = journal.open(one)
    journal.append(pipeline, pipeline.next(one))

    assert journal.open(other) == (Pipeline("40"), None)


def test_the_history_of_a_pipeline_is_told_in_sequence_with_its_times(
    journal: DynamoJournal | FakeJournal, clock: FakeClock
):
    for number, event_id in enumerate(["z", "a", "m"]):
        event = an_event(event_id=event_id, data={"n": number})
        pipeline, _ = journal.open(event)
        journal.append(pipeline, pipeline.next(event))
        clock.sleep(1.5)
    other = an_event(event_id="other", pipeline_id=390)
    journal.append(Pipeline("390"), Pipeline("390").next(other))

    history = journal.history("39")

    assert [one.numbered.event.id for one in history] == ["z", "a", "m"]
    assert [one.numbered.sequence for one in history] == [1, 2, 3]
    assert [one.at - NOON for one in history] == [0, 1.5, 3]
    assert journal.history("40") == []
