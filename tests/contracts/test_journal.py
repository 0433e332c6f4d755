"""What fan-out relies on in a journal."""

import boto3
import pytest

from lakehook.adapters.dynamodb.items import to_item
from lakehook.adapters.dynamodb.journal import DynamoJournal
from lakehook.domain.errors import InfrastructureError
from lakehook.domain.event import Event
from lakehook.domain.pipeline import (
    EventSkip,
    Pipeline,
    PipelineInfo,
    PipelineTransition,
    SkipReason,
)
from lakehook.ports.stores import Journal, SkippedEvent
from lakehook.settings import StackOutputs
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


def accept(journal: Journal, event: Event) -> PipelineTransition:
    pipeline, known = journal.load(event)
    assert not known
    advance = pipeline.apply(event)
    assert isinstance(advance, PipelineTransition)
    journal.append(advance)
    return advance


def set_aside(journal: Journal, event: Event) -> EventSkip:
    pipeline, _ = journal.load(event)
    skip = pipeline.apply(event)
    assert isinstance(skip, EventSkip)
    journal.record_skipped(event, skip)
    return skip


def test_a_pipeline_nobody_spoke_of_stands_at_nothing(journal: Journal):
    assert journal.load(an_event()) == (Pipeline("39"), ())


def test_what_is_appended_is_found_again_and_the_pipeline_has_moved(journal: Journal):
    event = an_event(timestamp="2024-09-05T15:08:00.123456789Z", data={"湖": [1.5, None, "\uffff"]})
    advance = accept(journal, event)

    pipeline, known = journal.load(event)

    assert pipeline == advance.after(now=NOON)
    assert (pipeline.sequence, pipeline.event_type) == (1, "PIPELINE_CREATED")
    assert tuple(known) == advance.sequenced


def test_pipelines_of_two_sources_are_two(journal: Journal):
    of_default, of_staging = an_event(), an_event(source="staging")
    accept(journal, of_default)

    assert journal.load(of_staging) == (Pipeline("staging/39"), ())

    accept(journal, of_staging)
    pipeline, (known,) = journal.load(of_staging)
    assert (pipeline.key, pipeline.sequence, known.event) == ("staging/39", 1, of_staging)
    assert pipeline.info == PipelineInfo(
        pipeline_id=39, trigger_source="blueprint:7", project_name="湖", source="staging"
    )


def test_the_second_event_knows_the_first(journal: Journal):
    first, second = an_event(event_id="e1"), an_event(event_id="e2", event_type="PIPELINE_RUNNING")
    accept(journal, first)
    accept(journal, second)

    pipeline, (known,) = journal.load(second)

    assert (pipeline.sequence, known.sequence) == (2, 2)
    assert known.previous_event_type == "PIPELINE_CREATED"


def test_a_pipeline_is_found_in_the_midst_of_a_later_round_with_all_that_is_known_of_it(
    journal: Journal,
):
    life = {"began_at": "2024-09-05T15:09:00Z", "timestamp": "2024-09-05T15:10:00Z"}
    rerun = {"began_at": "2024-09-05T16:09:00Z", "timestamp": "2024-09-05T16:09:00Z"}
    accept(journal, an_event(event_type="PIPELINE_FAILED", **life))
    advance = accept(journal, an_event(event_type="PIPELINE_RUNNING", **rerun))
    accept(journal, an_event(event_type="TASK_RUNNING", project_name=..., **rerun))

    pipeline, _ = journal.load(an_event(event_id="another"))

    assert pipeline.run == advance.round
    assert pipeline.run.number == 2
    assert pipeline.info == PipelineInfo(
        pipeline_id=39, trigger_source="blueprint:7", project_name="湖"
    )


def test_a_state_is_as_old_as_its_acceptance_whatever_follows_in_it(
    journal: Journal, clock: FakeClock
):
    accept(journal, an_event(timestamp="1999-01-01T00:00:00Z"))
    clock.sleep(60.5)
    accept(journal, an_event(event_type="TASK_RUNNING"))

    pipeline, _ = journal.load(an_event(event_id="another"))

    assert pipeline.entered_at == NOON


def test_what_is_inferred_is_written_with_its_cause_and_found_again_with_it(journal: Journal):
    end = an_event(event_type="PIPELINE_FAILED", began_at="2024-09-05T15:09:00Z")
    advance = accept(journal, end)

    pipeline, known = journal.load(end)

    assert len(known) == 3
    assert tuple(known) == advance.sequenced
    assert pipeline.sequence == 3
    _, alone = journal.load(known[0].event)
    assert tuple(alone) == (known[0],)


def test_nothing_of_a_step_is_written_if_the_pipeline_has_moved_on(journal: Journal):
    end = an_event(event_type="PIPELINE_FAILED", began_at="2024-09-05T15:09:00Z")
    late = Pipeline("39").apply(end)
    accept(journal, an_event())

    assert isinstance(late, PipelineTransition)
    with pytest.raises(InfrastructureError):
        journal.append(late)

    pipeline, _ = journal.load(end)
    assert pipeline.sequence == 1
    assert [journal.load(one.event)[1] for one in late.sequenced] == [()] * 3


def test_of_two_who_append_at_once_one_is_refused(journal: Journal):
    first, second = an_event(event_id="e1"), an_event(event_id="e2", event_type="TASK_RUNNING")
    late = Pipeline("39").apply(second)
    advance = accept(journal, first)

    assert isinstance(late, PipelineTransition)
    with pytest.raises(InfrastructureError):
        journal.append(late)

    assert journal.load(second) == (advance.after(now=NOON), ())


def test_an_event_is_never_numbered_twice(journal: Journal):
    event = an_event(event_type="TASK_RUNNING")
    accept(journal, event)
    pipeline, _ = journal.load(event)
    again = pipeline.apply(event)

    assert isinstance(again, PipelineTransition)
    with pytest.raises(InfrastructureError):
        journal.append(again)


def test_the_same_event_id_in_another_pipeline_is_another_event(journal: Journal):
    accept(journal, an_event(event_id="e"))

    assert journal.load(an_event(event_id="e", pipeline_id=40)) == (Pipeline("40"), ())


def test_what_is_set_aside_has_no_sequence_and_stays_to_be_seen_with_the_reason(
    journal: DynamoJournal | FakeJournal, clock: FakeClock
):
    advance = accept(journal, an_event(event_id="told"))
    repeat = an_event(event_id="z", message="late")
    over = an_event(event_id="a", event_type="PIPELINE_STALLED", data={"state": "running"})
    set_aside(journal, repeat)
    clock.sleep(1)
    set_aside(journal, over)

    assert journal.skipped("39") == [
        SkippedEvent(repeat, SkipReason.DUPLICATE, NOON),
        SkippedEvent(over, SkipReason.STALL_OVER, NOON + 1),
    ]
    assert [event.sequenced for event in journal.events("39")] == list(advance.sequenced)
    assert journal.load(over) == (advance.after(now=NOON), ())


RUNNING = {"event_type": "PIPELINE_RUNNING", "began_at": "2024-09-05T15:09:00Z"}
RESUMED = {"event_type": "PIPELINE_RUNNING", "began_at": "2024-09-05T15:19:00Z"}
RESUMED_AGAIN = {"event_type": "PIPELINE_RUNNING", "began_at": "2024-09-05T15:29:00Z"}


def test_a_trigger_that_only_a_repeat_knew_is_remembered(journal: DynamoJournal | FakeJournal):
    accept(journal, an_event(trigger_source="unknown"))

    skip = set_aside(journal, an_event(event_id="repeat", trigger_source="manual"))

    pipeline, _ = journal.load(an_event(event_id="another"))
    assert pipeline == skip.after
    assert pipeline.info == PipelineInfo(pipeline_id=39, trigger_source="manual", project_name="湖")


def test_what_an_event_leaves_out_is_known_from_those_before(
    journal: DynamoJournal | FakeJournal,
):
    details = {"pipeline_name": "nightly", "pipeline_url": "https://devlake.example/p/39"}
    accept(journal, an_event(source="staging", **details))
    accept(journal, an_event(source="staging", event_type="TASK_RUNNING", project_name=...))

    pipeline, _ = journal.load(an_event(source="staging", event_id="another"))

    assert pipeline.info == PipelineInfo(
        pipeline_id=39,
        trigger_source="blueprint:7",
        project_name="湖",
        source="staging",
        **details,
    )


def test_of_a_run_that_is_resumed_the_later_beginning_is_remembered(
    journal: DynamoJournal | FakeJournal, clock: FakeClock
):
    advance = accept(journal, an_event(**RUNNING))
    clock.sleep(60)
    resumed = an_event(**RESUMED)

    skip = set_aside(journal, resumed)

    pipeline, known = journal.load(resumed)
    assert (pipeline, known) == (skip.after, ())
    assert pipeline.run.began_at == RESUMED["began_at"]
    assert (pipeline.sequence, pipeline.entered_at) == (advance.newest.sequence, NOON)
    assert [(one.event.id, one.reason) for one in journal.skipped("39")] == [
        (resumed.id, SkipReason.DUPLICATE)
    ]


def test_a_worker_that_was_frozen_brings_back_no_earlier_beginning(
    journal: DynamoJournal | FakeJournal,
):
    accept(journal, an_event(**RUNNING))
    resumed = an_event(**RESUMED)
    late = journal.load(resumed)[0].apply(resumed)
    set_aside(journal, an_event(**RESUMED_AGAIN))

    assert isinstance(late, EventSkip)
    with pytest.raises(InfrastructureError):
        journal.record_skipped(resumed, late)

    pipeline, _ = journal.load(resumed)
    assert pipeline.run.began_at == RESUMED_AGAIN["began_at"]
    assert [one.event.began_at for one in journal.skipped("39")] == [RESUMED_AGAIN["began_at"]]


def test_nor_appends_behind_one(journal: DynamoJournal | FakeJournal):
    accept(journal, an_event(**RUNNING))
    end = an_event(event_type="PIPELINE_FAILED", began_at=RUNNING["began_at"])
    late = journal.load(end)[0].apply(end)
    set_aside(journal, an_event(**RESUMED))

    assert isinstance(late, PipelineTransition)
    with pytest.raises(InfrastructureError):
        journal.append(late)


def test_the_history_of_a_pipeline_is_told_in_sequence_with_its_times(
    journal: DynamoJournal | FakeJournal, clock: FakeClock
):
    for number, event_id in enumerate(["z", "a", "m"]):
        accept(journal, an_event(event_id=event_id, event_type="TASK_RUNNING", data={"n": number}))
        clock.sleep(1.5)
    accept(journal, an_event(event_id="other", pipeline_id=390))

    history = journal.events("39")

    assert [one.sequenced.event.id for one in history] == ["z", "a", "m"]
    assert [one.sequenced.sequence for one in history] == [1, 2, 3]
    assert [one.at - NOON for one in history] == [0, 1.5, 3]
    assert journal.events("40") == []


# --- on DynamoDB alone ---


def test_an_event_costs_one_read_and_one_transaction(deployment: StackOutputs):
    dynamodb, made = boto3.client("dynamodb"), []
    dynamodb.meta.events.register(
        "before-call.dynamodb", lambda model, **_: made.append(model.name)
    )
    journal = DynamoJournal(dynamodb, deployment.pipelines_table, FakeClock())

    accept(journal, an_event())
    accept(journal, an_event(event_type="PIPELINE_RUNNING"))
    accept(journal, an_event(pipeline_id=40, event_type="PIPELINE_RUNNING"))

    assert made == ["BatchGetItem", "TransactWriteItems"] * 3


def test_a_counter_of_the_release_before_goes_on_from_the_newest_event(deployment: StackOutputs):
    dynamodb = boto3.client("dynamodb")
    journal = DynamoJournal(dynamodb, deployment.pipelines_table, FakeClock())
    values = {"pipeline_id": "39", "record": "counter", "sequence": 2, "changed_at": 1767268800000}
    running = to_item({**values, "event_type": "PIPELINE_RUNNING"})
    dynamodb.put_item(TableName=deployment.pipelines_table, Item=running)

    advance = accept(journal, an_event(event_type="PIPELINE_COMPLETED"))

    assert [one.sequence for one in advance.sequenced] == [3]
    assert advance.newest.previous_event_type == "PIPELINE_RUNNING"


def test_pipelines_are_read_as_fan_out_left_them_and_others_are_not_there(
    journal: Journal, clock: FakeClock
):
    accepted = {}
    for changes in ({}, {"source": "staging"}):
        event = an_event(began_at="2024-09-05T15:09:00Z", event_type="PIPELINE_RUNNING", **changes)
        pipeline, _ = journal.load(event)
        advance = pipeline.apply(event)
        assert isinstance(advance, PipelineTransition)
        journal.append(advance)
        accepted[pipeline.key] = advance.after(now=clock.now())

    assert journal.read_pipelines([]) == {}
    assert journal.read_pipelines(["39", "40", "staging/39"]) == accepted


def test_more_pipelines_are_read_than_one_request_holds(journal: Journal):
    event = an_event(pipeline_id=150)
    advance = Pipeline("150").apply(event)
    assert isinstance(advance, PipelineTransition)
    journal.append(advance)

    assert journal.read_pipelines([str(n) for n in range(201)]).keys() == {"150"}
