"""Contract of the journal, for fan-out."""

from collections.abc import Callable
from hashlib import sha512
from itertools import islice
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from lakehook.adapters.dynamodb.fan_out import DynamoFanOutReader
from lakehook.adapters.dynamodb.items import to_item
from lakehook.adapters.dynamodb.journal import DynamoJournal
from lakehook.adapters.dynamodb.journal_items import event_name, record_key
from lakehook.adapters.dynamodb.subscriptions import DynamoSubscriptions
from lakehook.domain.errors import InfrastructureError
from lakehook.domain.event import Event
from lakehook.domain.json_document import to_json
from lakehook.domain.pipeline import (
    EventSkip,
    Pipeline,
    PipelineInfo,
    PipelineTransition,
    SkipReason,
)
from lakehook.operations.events import FollowEvents
from lakehook.ports.stores import Journal, LoadedEvent, SkippedEvent
from lakehook.queries import ListEvents
from lakehook.settings import StackOutputs
from tests.builders import a_subscription, an_event
from tests.fakes import NOON, FakeClock, FakeJournal
from tests.journaling import append_step, load_event


@pytest.fixture(params=["fake", "dynamodb"])
def journal(request: pytest.FixtureRequest, clock: FakeClock) -> Journal:
    if request.param == "fake":
        return FakeJournal(clock=clock)
    deployment = request.getfixturevalue("deployment")
    return DynamoJournal(
        boto3.client("dynamodb"), deployment.pipelines_table, clock, retention_seconds=86400
    )


def accept(journal: Journal, event: Event) -> PipelineTransition:
    pipeline, recorded = load_event(journal, event)
    assert not recorded
    advance = pipeline.apply(event)
    assert isinstance(advance, PipelineTransition)
    append_step(journal, advance)
    return advance


def set_aside(journal: Journal, event: Event) -> EventSkip:
    pipeline, _ = load_event(journal, event)
    skip = pipeline.apply(event)
    assert isinstance(skip, EventSkip)
    append_step(journal, skip)
    return skip


def test_a_pipeline_without_events_has_no_sequence(journal: Journal):
    assert load_event(journal, an_event()) == (Pipeline("39"), ())


def test_an_appended_event_is_found_and_the_pipeline_has_advanced(journal: Journal):
    event = an_event(timestamp="2024-09-05T15:08:00.123456789Z", data={"湖": [1.5, None, "\uffff"]})
    advance = accept(journal, event)

    pipeline, recorded = load_event(journal, event)

    assert pipeline == advance.after(now=NOON)
    assert (pipeline.sequence, pipeline.event_type) == (1, "PIPELINE_CREATED")
    assert tuple(recorded) == advance.sequenced


def test_pipelines_of_two_sources_are_two(journal: Journal):
    of_default, of_staging = an_event(), an_event(source="staging")
    accept(journal, of_default)

    assert load_event(journal, of_staging) == (Pipeline("staging/39"), ())

    accept(journal, of_staging)
    pipeline, (recorded,) = load_event(journal, of_staging)
    assert (pipeline.key, pipeline.sequence, recorded.event) == ("staging/39", 1, of_staging)
    assert pipeline.info == PipelineInfo(
        pipeline_id=39, trigger_source="blueprint:7", project_name="湖", source="staging"
    )


def test_the_second_event_knows_the_first(journal: Journal):
    first, second = an_event(event_id="e1"), an_event(event_id="e2", event_type="PIPELINE_RUNNING")
    accept(journal, first)
    accept(journal, second)

    pipeline, (recorded,) = load_event(journal, second)

    assert (pipeline.sequence, recorded.sequence) == (2, 2)
    assert recorded.previous_event_type == "PIPELINE_CREATED"


def test_a_pipeline_is_found_in_the_midst_of_a_later_round_with_all_that_is_known_of_it(
    journal: Journal,
):
    life = {"began_at": "2024-09-05T15:09:00Z", "timestamp": "2024-09-05T15:10:00Z"}
    rerun = {"began_at": "2024-09-05T16:09:00Z", "timestamp": "2024-09-05T16:09:00Z"}
    accept(journal, an_event(event_type="PIPELINE_FAILED", **life))
    advance = accept(journal, an_event(event_type="PIPELINE_RUNNING", **rerun))
    accept(journal, an_event(event_type="TASK_RUNNING", project_name=..., **rerun))

    pipeline, _ = load_event(journal, an_event(event_id="another"))

    assert pipeline.run == advance.run
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

    pipeline, _ = load_event(journal, an_event(event_id="another"))

    assert pipeline.entered_at == NOON


def test_inferred_events_are_written_and_found_with_their_cause(journal: Journal):
    end = an_event(event_type="PIPELINE_FAILED", began_at="2024-09-05T15:09:00Z")
    advance = accept(journal, end)

    pipeline, recorded = load_event(journal, end)

    assert len(recorded) == 3
    assert tuple(recorded) == advance.sequenced
    assert pipeline.sequence == 3
    _, alone = load_event(journal, recorded[0].event)
    assert tuple(alone) == (recorded[0],)


def test_a_step_on_an_older_pipeline_writes_nothing(journal: Journal):
    end = an_event(event_type="PIPELINE_FAILED", began_at="2024-09-05T15:09:00Z")
    late = Pipeline("39").apply(end)
    accept(journal, an_event())

    assert isinstance(late, PipelineTransition)
    with pytest.raises(InfrastructureError):
        append_step(journal, late)

    pipeline, _ = load_event(journal, end)
    assert pipeline.sequence == 1
    assert [load_event(journal, event.event)[1] for event in late.sequenced] == [()] * 3


def test_the_second_of_two_concurrent_appends_is_refused(journal: Journal):
    first, second = an_event(event_id="e1"), an_event(event_id="e2", event_type="TASK_RUNNING")
    late = Pipeline("39").apply(second)
    advance = accept(journal, first)

    assert isinstance(late, PipelineTransition)
    with pytest.raises(InfrastructureError):
        append_step(journal, late)

    assert load_event(journal, second) == (advance.after(now=NOON), ())


def test_a_late_step_of_a_batch_fails_alone(journal: Journal):
    first, second = an_event(event_id="e1"), an_event(event_id="e2", event_type="TASK_RUNNING")
    late = Pipeline("39").apply(second)
    accept(journal, first)
    elsewhere = [Pipeline(str(n)).apply(an_event(pipeline_id=n)) for n in range(40, 70)]

    failures = journal.append([elsewhere[0], late, *elsewhere[1:]])

    assert list(failures) == ["39"]
    loaded = journal.load([an_event(pipeline_id=n) for n in range(39, 70)])
    assert [loaded_event.pipeline.sequence for loaded_event in loaded] == [1] * 31
    assert [len(loaded_event.recorded) for loaded_event in loaded] == [0, *[1] * 30]


def test_the_same_event_id_in_another_pipeline_is_another_event(journal: Journal):
    accept(journal, an_event(event_id="e"))

    assert load_event(journal, an_event(event_id="e", pipeline_id=40)) == (Pipeline("40"), ())


def test_a_skipped_event_has_no_sequence_and_is_listed_with_its_reason(
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
    assert load_event(journal, over) == (advance.after(now=NOON), ())


RUNNING = {"event_type": "PIPELINE_RUNNING", "began_at": "2024-09-05T15:09:00Z"}
RESUMED = {"event_type": "PIPELINE_RUNNING", "began_at": "2024-09-05T15:19:00Z"}
RESUMED_AGAIN = {"event_type": "PIPELINE_RUNNING", "began_at": "2024-09-05T15:29:00Z"}


def test_a_trigger_that_only_a_repeat_knew_is_remembered(journal: DynamoJournal | FakeJournal):
    accept(journal, an_event(trigger_source="unknown"))

    skip = set_aside(journal, an_event(event_id="repeat", trigger_source="manual"))

    pipeline, _ = load_event(journal, an_event(event_id="another"))
    assert pipeline == skip.after
    assert pipeline.info == PipelineInfo(pipeline_id=39, trigger_source="manual", project_name="湖")


def test_fields_missing_in_an_event_are_known_from_earlier_ones(
    journal: DynamoJournal | FakeJournal,
):
    details = {"pipeline_name": "nightly", "pipeline_url": "https://devlake.example/p/39"}
    accept(journal, an_event(source="staging", **details))
    accept(journal, an_event(source="staging", event_type="TASK_RUNNING", project_name=...))

    pipeline, _ = load_event(journal, an_event(source="staging", event_id="another"))

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

    pipeline, recorded = load_event(journal, resumed)
    assert (pipeline, recorded) == (skip.after, ())
    assert pipeline.run.began_at == RESUMED["began_at"]
    assert (pipeline.sequence, pipeline.entered_at) == (advance.newest.sequence, NOON)
    assert [(skipped.event.id, skipped.reason) for skipped in journal.skipped("39")] == [
        (resumed.id, SkipReason.DUPLICATE)
    ]


def test_a_worker_that_was_frozen_brings_back_no_earlier_beginning(
    journal: DynamoJournal | FakeJournal,
):
    accept(journal, an_event(**RUNNING))
    resumed = an_event(**RESUMED)
    late = load_event(journal, resumed)[0].apply(resumed)
    set_aside(journal, an_event(**RESUMED_AGAIN))

    assert isinstance(late, EventSkip)
    with pytest.raises(InfrastructureError):
        append_step(journal, late)

    pipeline, _ = load_event(journal, resumed)
    assert pipeline.run.began_at == RESUMED_AGAIN["began_at"]
    assert [skipped.event.began_at for skipped in journal.skipped("39")] == [
        RESUMED_AGAIN["began_at"]
    ]


def test_a_worker_that_was_frozen_appends_no_event_behind_an_earlier_beginning(
    journal: DynamoJournal | FakeJournal,
):
    accept(journal, an_event(**RUNNING))
    end = an_event(event_type="PIPELINE_FAILED", began_at=RUNNING["began_at"])
    late = load_event(journal, end)[0].apply(end)
    set_aside(journal, an_event(**RESUMED))

    assert isinstance(late, PipelineTransition)
    with pytest.raises(InfrastructureError):
        append_step(journal, late)


def test_the_history_of_a_pipeline_is_in_sequence_with_its_times(
    journal: DynamoJournal | FakeJournal, clock: FakeClock
):
    for number, event_id in enumerate(["z", "a", "m"]):
        accept(journal, an_event(event_id=event_id, event_type="TASK_RUNNING", data={"n": number}))
        clock.sleep(1.5)
    accept(journal, an_event(event_id="other", pipeline_id=390))

    history = journal.events("39")

    assert [accepted.sequenced.event.id for accepted in history] == ["z", "a", "m"]
    assert [accepted.sequenced.sequence for accepted in history] == [1, 2, 3]
    assert [accepted.at - NOON for accepted in history] == [0, 1.5, 3]
    assert journal.events("40") == []


# --- on DynamoDB alone ---


class Requests:
    """Client of DynamoDB that records its operations, and fails at one of them."""

    def __init__(self) -> None:
        self.client = boto3.client("dynamodb")
        self.names: list[str] = []
        self.fails_at = ""
        self.client.meta.events.register("before-call.dynamodb", self._count)

    def _count(self, *, model: Any, **_: Any) -> tuple[Any, dict[str, Any]] | None:
        self.names.append(model.name)
        if model.name != self.fails_at:
            return None
        error = {"Code": "AccessDeniedException", "Message": "simulated"}
        return SimpleNamespace(status_code=400), {"Error": error}


@pytest.fixture
def requests(deployment: StackOutputs) -> Requests:
    return Requests()


@pytest.fixture
def stored(requests: Requests, deployment: StackOutputs, clock: FakeClock) -> DynamoJournal:
    """A page is an item, so that a scan can be interrupted anywhere."""
    return DynamoJournal(
        requests.client,
        deployment.pipelines_table,
        clock,
        retention_seconds=86400,
        items_a_page=1,
    )


def read_all(journal: DynamoJournal, during: Callable[[], object] = lambda: None) -> list[str]:
    """Scan the journal, and do something between its pages."""
    event_ids: list[str] = []
    page = journal.page(since=0, until=NOON + 10, after="")
    while True:
        event_ids += [entry.accepted.sequenced.event.id for entry in page.entries]
        if not page.cursor:
            return event_ids
        during()
        page = journal.page(since=0, until=NOON + 10, after=page.cursor)


def large(event_id: str, **changes: Any) -> Event:
    """An event that leaves no room for another in its pipeline's counter."""
    noise = "".join(sha512(f"{event_id}/{n}".encode()).hexdigest() for n in range(6))
    return an_event(event_id=event_id, event_type="TASK_RUNNING", message=noise, **changes)


def records(journal: DynamoJournal) -> list[str]:
    items = journal.dynamodb.scan(TableName=journal.table)["Items"]
    return sorted(item["record"]["S"] for item in items)


def test_the_events_of_a_batch_cost_one_read_and_one_write(
    stored: DynamoJournal, requests: Requests
):
    for event_type in ("PIPELINE_CREATED", "PIPELINE_RUNNING", "PIPELINE_COMPLETED"):
        events = [an_event(pipeline_id=n, event_type=event_type) for n in range(10)]
        loaded = stored.load(events)
        pairs = zip(loaded, events, strict=True)
        assert stored.append([item.pipeline.apply(event) for item, event in pairs]) == {}

    assert requests.names == ["BatchGetItem", "BatchExecuteStatement"] * 3
    assert records(stored) == ["counter"] * 10


def test_fan_out_reads_once_and_sees_a_changed_subscription_at_once(
    stored: DynamoJournal, requests: Requests, deployment: StackOutputs, clock: FakeClock
):
    table = deployment.subscriptions_table
    reader = DynamoFanOutReader(stored, DynamoSubscriptions(requests.client, table, clock))
    assert reader.load([an_event()]) == ([LoadedEvent(Pipeline("39"))], [])
    DynamoSubscriptions(boto3.client("dynamodb"), table, clock).save(a_subscription())
    accept(stored, an_event())
    requests.names.clear()

    for _ in range(2):
        (loaded,), (subscription,) = reader.load([an_event()])
        assert [event.event for event in loaded.recorded] == [an_event()]
        assert subscription.id == a_subscription().id

    assert requests.names == ["BatchGetItem", "Scan", "BatchGetItem"]


def test_events_beyond_the_room_of_a_counter_move_to_items_in_one_write(
    stored: DynamoJournal, requests: Requests
):
    for number in range(3):
        events = [large(f"e{number}", pipeline_id=n) for n in range(3)]
        loaded = stored.load(events)
        requests.names.clear()
        pairs = zip(loaded, events, strict=True)
        assert stored.append([item.pipeline.apply(event) for item, event in pairs]) == {}

    assert requests.names == ["BatchWriteItem", "BatchExecuteStatement"]
    assert records(stored) == sorted(["counter", "event#e0", "event#e1"] * 3)
    for number in range(3):
        pipeline, (recorded,) = load_event(stored, large(f"e{number}", pipeline_id=1))
        assert (pipeline.sequence, recorded.sequence, recorded.event) == (
            3,
            number + 1,
            large(f"e{number}", pipeline_id=1),
        )


def test_an_inferred_event_is_restored_to_the_letter_wherever_it_is(stored: DynamoJournal):
    end = an_event(
        event_type="PIPELINE_FAILED", began_at="2024-09-05T15:09:00Z", labels=["湖", "1.0"]
    )
    sequenced = accept(stored, end).sequenced

    in_counter = load_event(stored, end)[1]
    accept(stored, large("e1"))
    accept(stored, large("e2"))
    assert f"event#{end.id}" in records(stored)
    in_items = load_event(stored, end)[1]

    for recorded in (in_counter, in_items):
        assert tuple(recorded) == sequenced
        assert [to_json(event.event.document) for event in recorded] == [
            to_json(event.event.document) for event in sequenced
        ]

    inferred = record_key("39", event_name(sequenced[0].event))  # TTL deletes each by itself
    stored.dynamodb.delete_item(TableName=stored.table, Key=inferred)
    assert tuple(load_event(stored, end)[1]) == sequenced[1:]


@pytest.mark.parametrize("request_", ["BatchWriteItem", "BatchExecuteStatement"])
def test_whichever_write_fails_each_accepted_event_is_read_once_and_the_next_writer_goes_on(
    stored: DynamoJournal, requests: Requests, clock: FakeClock, request_: str
):
    accept(stored, large("e1"))
    second = large("e2")
    step = load_event(stored, second)[0].apply(second)
    requests.fails_at = request_
    assert isinstance(step, PipelineTransition)

    with pytest.raises(InfrastructureError):
        stored.append([step])

    assert [accepted.sequenced.event.id for accepted in stored.events("39")] == ["e1"]
    assert set(read_all(stored)) == {"e1"}
    latest = ListEvents(stored, clock)(since=0, limit=9, max_read=9).events
    assert latest == FollowEvents(stored, clock).past(since=0) == stored.events("39")
    requests.fails_at = ""
    accept(stored, second)
    assert [accepted.sequenced.sequence for accepted in stored.events("39")] == [1, 2]


def test_a_counter_is_not_written_before_what_it_would_forget(
    stored: DynamoJournal, requests: Requests
):
    accept(stored, large("e1"))
    second = large("e2")
    step = load_event(stored, second)[0].apply(second)
    write = requests.client.batch_write_item
    requests.client.batch_write_item = lambda RequestItems: {  # type: ignore[method-assign,assign] # noqa: N803
        "UnprocessedItems": RequestItems
    }
    assert isinstance(step, PipelineTransition)

    assert list(stored.append([step])) == ["39"]

    requests.client.batch_write_item = write  # type: ignore[method-assign]
    assert load_event(stored, second) == (step.before, ())


def test_a_scan_meets_an_event_that_moves_while_it_is_read(stored: DynamoJournal):
    for pipeline in range(4):
        accept(stored, large("e1", pipeline_id=pipeline))
    numbers = iter(range(2, 5))

    def go_on() -> None:
        for number in islice(numbers, 1):
            for pipeline in range(4):
                accept(stored, large(f"e{number}", pipeline_id=pipeline))

    assert read_all(stored, go_on).count("e1") >= 4


def test_an_event_in_a_counter_is_read_no_longer_than_events_are_kept(
    stored: DynamoJournal, clock: FakeClock
):
    accept(stored, an_event())
    clock.sleep(86399)
    assert len(stored.events("39")) == len(stored.page(since=0, until=NOON, after="").entries) == 1

    clock.sleep(1)

    assert stored.events("39") == stored.page(since=0, until=NOON, after="").entries == []
    accept(stored, large("e1"))
    assert records(stored) == ["counter"]


def test_a_counter_of_the_release_before_goes_on_from_the_newest_event(deployment: StackOutputs):
    dynamodb = boto3.client("dynamodb")
    journal = DynamoJournal(dynamodb, deployment.pipelines_table, FakeClock())
    values = {"pipeline_id": "39", "record": "counter", "sequence": 2, "changed_at": 1767268800000}
    running = to_item({**values, "event_type": "PIPELINE_RUNNING"})
    dynamodb.put_item(TableName=deployment.pipelines_table, Item=running)

    advance = accept(journal, an_event(event_type="PIPELINE_COMPLETED"))

    assert [event.sequence for event in advance.sequenced] == [3]
    assert advance.newest.previous_event_type == "PIPELINE_RUNNING"


def test_pipelines_are_read_as_fan_out_left_them_and_others_are_not_there(
    journal: Journal, clock: FakeClock
):
    accepted = {}
    for changes in ({}, {"source": "staging"}):
        event = an_event(began_at="2024-09-05T15:09:00Z", event_type="PIPELINE_RUNNING", **changes)
        pipeline, _ = load_event(journal, event)
        advance = pipeline.apply(event)
        assert isinstance(advance, PipelineTransition)
        append_step(journal, advance)
        accepted[pipeline.key] = advance.after(now=clock.now())

    assert journal.read_pipelines([]) == {}
    assert journal.read_pipelines(["39", "40", "staging/39"]) == accepted


def test_more_pipelines_are_read_than_one_request_holds(journal: Journal):
    event = an_event(pipeline_id=150)
    advance = Pipeline("150").apply(event)
    assert isinstance(advance, PipelineTransition)
    append_step(journal, advance)

    assert journal.read_pipelines([str(n) for n in range(201)]).keys() == {"150"}
