import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakehook.domain.errors import InvalidEvent
from lakehook.domain.event import MAX_EVENT_BYTES, Event, EventType, keep_valid
from lakehook.domain.event_fields import OPTIONAL
from lakehook.domain.json_document import parse_json_object, to_ascii_json, to_json
from tests.builders import a_document


def read(group: str = "39", **changes: object) -> Event:
    return Event.from_message(json.dumps(a_document(**changes)), group=group)


def a_task(**changes: object) -> dict[str, object]:
    task = {"id": 7, "plugin": "github", "status": "TASK_FAILED", "message": "HTTP 502"}
    return {name: value for name, value in (task | changes).items() if value is not ...}


def test_an_event_has_every_field_of_its_producer_even_unknown_ones():
    event = read(weather={"rain": [1, 2.5, None]}, timestamp="2024-09-05T15:08:00.389123456Z")

    assert event.document["weather"] == {"rain": [1, 2.5, None]}
    assert event.document["timestamp"] == "2024-09-05T15:08:00.389123456Z"
    assert event.type is EventType.PIPELINE_CREATED


def test_39_and_its_text_are_one_pipeline_and_go_out_as_they_came():
    number, text = read(pipeline_id=39), read(pipeline_id="39")

    assert number.pipeline_id == text.pipeline_id == "39"
    assert number.document["pipeline_id"] == 39
    assert number.id == text.id


def test_an_event_without_an_id_is_named_the_same_every_time():
    named = {
        read().id,
        read(message="said otherwise").id,
        read(project_name=None).id,
    }

    assert len(named) == 1
    assert read(timestamp="2024-09-05T15:08:00.390+08:00").id not in named
    assert read(began_at="2024-09-05T15:09:00+08:00").id not in named  # of another round
    assert read(began_at=None).id in named
    assert read(event_type="TASK_CREATED", task={"id": 1}).id not in named
    assert (
        read(event_type="TASK_CREATED", task={"id": 1}).id
        != read(event_type="TASK_CREATED", task={"id": 2}).id
    )


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        pytest.param({"pipeline_id": ...}, "pipeline_id: missing", id="no pipeline"),
        pytest.param({"pipeline_id": None}, "pipeline_id: missing", id="null pipeline"),
        pytest.param({"pipeline_id": True}, "pipeline_id: True", id="a truth for a pipeline"),
        pytest.param({"pipeline_id": 3.9}, "pipeline_id: 3.9", id="a fraction for a pipeline"),
        pytest.param({"pipeline_id": "x" * 65}, "pipeline_id: 'xxx", id="oversized pipeline"),
        pytest.param({"pipeline_id": "a#b"}, "pipeline_id: 'a#b'", id="a lane for a pipeline"),
        pytest.param(
            {"pipeline_id": "\uff13\uff19"}, "pipeline_id", id="digits that are not ASCII"
        ),
        pytest.param({"pipeline_id": "39\n"}, "pipeline_id", id="a line end in the pipeline"),
        pytest.param({"event_type": ...}, "event_type: missing", id="no type"),
        pytest.param({"event_type": "PIPELINE_LOST"}, "event_type: 'PIPELINE_LOST'", id="type"),
        pytest.param({"event_type": ["PIPELINE_CREATED"]}, "event_type", id="a list for a type"),
        pytest.param({"trigger_source": "cron"}, "trigger_source: 'cron'", id="trigger"),
        pytest.param({"trigger_source": "blueprint:"}, "trigger_source", id="blueprint of no id"),
        pytest.param({"timestamp": "2024-09-05 15:08:00"}, "timestamp", id="no offset"),
        pytest.param({"timestamp": "2024-02-30T15:08:00Z"}, "timestamp", id="30 February"),
        pytest.param({"timestamp": "2024-09-05T15:08:00+25:00"}, "timestamp", id="offset 25 h"),
        pytest.param({"timestamp": 1725520080}, "timestamp: 1725520080", id="unix time"),
        pytest.param({"timestamp": "2024-W36-4T15:08:00Z"}, "timestamp", id="week date"),
        pytest.param({"event_id": "x" * 129}, "event_id", id="oversized event id"),
        pytest.param({"event_id": "a b"}, "event_id: 'a b'", id="a space in the event id"),
        pytest.param({"event_id": 7}, "event_id: 7", id="a number for an event id"),
        pytest.param({"began_at": "yesterday"}, "began_at: 'yesterday'", id="began_at"),
        pytest.param({"task": "build"}, "task: 'build'", id="a string for a task"),
        pytest.param({"data": []}, "data: []", id="a list for data"),
        pytest.param({"project_name": 1}, "project_name: 1", id="a number for a project"),
        pytest.param({"source": "a/b"}, "source: 'a/b'", id="a slash in the source"),
        pytest.param({"source": "-a"}, "source: '-a'", id="a source that begins with a hyphen"),
        pytest.param({"source": "x" * 33}, "source: 'xxx", id="oversized source"),
        pytest.param({"source": ""}, "source: ''", id="an empty source"),
        pytest.param({"labels": "a"}, "labels: 'a'", id="a string for labels"),
        pytest.param({"labels": [1]}, "labels: [1]", id="a number for a label"),
        pytest.param({"error_name": {}}, "error_name: {}", id="an object for an error"),
        pytest.param({"total_tasks": -1}, "total_tasks: -1", id="less than no task"),
        pytest.param({"finished_tasks": True}, "finished_tasks: True", id="a truth for a count"),
        pytest.param({"spent_seconds": "9"}, "spent_seconds: '9'", id="a string for a duration"),
        pytest.param({"failed_tasks": {}}, "failed_tasks: {}", id="an object for tasks"),
        pytest.param({"failed_tasks": [7]}, "failed_tasks: [7]", id="a number for a task"),
        pytest.param({"failed_tasks": [a_task()] * 11}, "failed_tasks: [", id="eleven tasks"),
        pytest.param({"failed_tasks": [a_task(id=...)]}, "failed_tasks: [", id="a task of no id"),
        pytest.param(
            {"failed_tasks": [a_task(message="a\nb")]}, "failed_tasks: [", id="a second line"
        ),
        pytest.param(
            {"failed_tasks": [a_task(message="x" * 301)]}, "failed_tasks: [", id="a long message"
        ),
        pytest.param({"pipeline_url": "javascript:1"}, "pipeline_url: 'java", id="a script's URL"),
        pytest.param({"pipeline_url": "https://a b"}, "pipeline_url: 'https", id="URL and space"),
        pytest.param({"reconciled": 1}, "reconciled: 1", id="a number for a truth"),
    ],
)
def test_a_bad_field_is_named_with_its_value(changes: dict[str, object], names: str):
    with pytest.raises(InvalidEvent) as refused:
        Event.from_message(json.dumps(a_document(**changes)), group="39")

    assert names in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("", id="nothing"),
        pytest.param("hello", id="prose"),
        pytest.param("[]", id="an array"),
        pytest.param("null", id="null"),
        pytest.param('{"a": NaN}', id="NaN"),
        pytest.param('{"a": 1e999}', id="a number without a finite value"),
        pytest.param('{"a": ' + "9" * 5000 + "}", id="more digits than Python converts"),
        pytest.param('{"a": "\\ud800"}', id="a lone surrogate"),
        pytest.param("[" * 100_000, id="nested beyond the parser"),
        pytest.param('{"a":' * 60_000 + "1" + "}" * 60_000, id="objects nested beyond the parser"),
    ],
)
def test_a_body_that_is_no_json_object_is_an_invalid_event(body: str):
    with pytest.raises(InvalidEvent):
        Event.from_message(body, group="39")


@pytest.mark.parametrize(
    ("envelope", "remedy"),
    [
        ({"Type": "Notification", "TopicArn": "arn:", "Message": "{}"}, "SNS .*: turn on raw"),
        (
            {"version": "0", "detail-type": "Run", "source": "lake", "detail": {}},
            r"EventBridge .*: send \$\.detail alone, by the input path",
        ),
        (
            {"specversion": "1.0", "type": "run", "source": "/lake", "data": {}},
            "CloudEvents .*: send its data alone",
        ),
    ],
)
def test_an_event_in_an_envelope_is_refused_with_the_remedy(
    envelope: dict[str, object], remedy: str
):
    with pytest.raises(InvalidEvent, match=f"an envelope of {remedy}"):
        Event.from_message(json.dumps(envelope), group="39")


def test_an_event_with_the_fields_of_an_envelope_is_an_event():
    fields = {"specversion": "1.0", "type": "run", "source": "lake"}

    assert read("lake/39", **fields)
    with pytest.raises(InvalidEvent, match="trigger_source: missing"):
        read("lake/39", **fields, trigger_source=None)


def test_an_event_must_come_in_the_group_of_its_pipeline_and_of_its_source_if_it_names_one():
    with pytest.raises(InvalidEvent, match="'39' is not the MessageGroupId '40'"):
        read(group="40")
    event = read("staging/39", source="staging")

    assert (event.source, event.pipeline_id, event.pipeline_key) == ("staging", "39", "staging/39")
    with pytest.raises(
        InvalidEvent, match=r"'staging/39' is not the MessageGroupId '39'.*<source>/"
    ):
        read("39", source="staging")


def test_an_event_without_a_source_is_of_the_default_one_and_equal_events_of_two_sources_differ():
    event = read(source=None)

    assert (event.source, event.pipeline_key) == (None, "39")
    assert event.id == read().id
    ids = {read().id, read("a/39", source="a").id, read("b/39", source="b").id}
    assert len(ids) == 3


def test_details_of_a_pipeline_are_carried():
    details = {
        "trigger_source": "unknown",
        "pipeline_name": "nightly",
        "labels": ["a", "b"],
        "error_name": "unexpected",
        "total_tasks": 9,
        "finished_tasks": 7,
        "spent_seconds": 90.5,
        "failed_tasks": [a_task(), a_task(status=..., message=None), a_task(id="x", message="")],
        "pipeline_url": "https://devlake.example/advanced/pipeline/39?a=b#c",
        "reconciled": True,
    }

    event = read(**details)

    assert event.document.items() >= details.items()
    assert event.is_reconciled
    assert not read(reconciled=False).is_reconciled


def test_only_details_that_an_event_may_have_are_kept():
    valid = {"labels": ["a"], "total_tasks": 9, "spent_seconds": 1.5, "weather": "rain"}
    malformed = {
        "message": 1,
        "finished_tasks": -1,
        "error_name": None,
        "failed_tasks": [a_task(message="a\r")],
        "pipeline_url": "ftp://devlake",
        "trigger_source": "cron",
    }

    assert keep_valid({**valid, **malformed}) == valid
    assert keep_valid({"spent_seconds": float("inf")}) == {}
    event = Event.with_details(a_document(), {**valid, **malformed})
    assert event.document == {**a_document(), **valid}


@pytest.mark.parametrize("message", ["x" * MAX_EVENT_BYTES, "\ud800"], ids=["size", "surrogate"])
def test_details_that_no_event_can_hold_do_not_cost_the_event(message: str):
    assert Event.with_details(a_document(), {"message": message}).document == a_document()


def test_an_event_is_at_most_128_kib():
    room = MAX_EVENT_BYTES - len(json.dumps(a_document(message="")).encode())

    assert read(message="x" * room)
    with pytest.raises(InvalidEvent, match="bytes, more than 131072"):
        read(message="x" * (room + 1))


@pytest.mark.parametrize(
    "time", ["2016-12-31T23:59:60Z", "2024-09-05t15:08:00.1z", "2024-09-05 15:08:00-00:00"]
)
def test_every_rfc_3339_time_with_an_offset_is_taken(time: str):
    assert read(timestamp=time)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@settings(max_examples=40)
@given(st.dictionaries(st.text(), JSON))
def test_a_document_survives_being_written_either_way(document: dict[str, object]):
    assert parse_json_object(to_json(document)) == document
    assert parse_json_object(to_ascii_json(document)) == document
    assert to_ascii_json(document).isascii()


@given(st.text())
def test_any_text_is_an_event_or_refused(body: str):
    with pytest.raises(InvalidEvent):
        Event.from_message(body, group="39")


@settings(max_examples=60)
@given(st.dictionaries(st.sampled_from([*a_document(), *OPTIONAL]), JSON))
def test_any_field_is_accepted_or_refused(changes: dict[str, object]):
    try:
        assert Event.from_document(a_document(**changes)).id
    except InvalidEvent as refused:
        message = str(refused)
        assert message.isprintable()


def test_reserved_fields_are_not_taken_from_a_producer():
    reserved = {"late": True, "replayed": True, "inferred": True, "sequence": 9}
    body = json.dumps(a_document(**reserved, previous_event_type="x", mine=1))

    event = Event.from_message(body, group="39")

    assert event.document.keys() == a_document(mine=1).keys()
    assert not event.is_inferred
