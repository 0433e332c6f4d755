import json
from typing import Any

import pytest

from lakehook.domain.devlake.notification import (
    UnsupportedEvent,
    go_json,
    parse_notification,
    render,
)
from lakehook.domain.event import Event, EventType
from tests.builders import an_event
from tests.devlake_vectors import TEXTS, TIMES, VECTORS, Vector, vector_named

OF_PIPELINES = [vector for vector in VECTORS if "PipelineID" in vector.document]
REDRAWN = [
    of_pipeline
    for of_pipeline in OF_PIPELINES
    if "ProjectName" in of_pipeline.document
    and of_pipeline.document["Status"] not in {"TASK_RERUN", "TASK_RESUME"}
]


def event_of(vector: Vector, **changes: Any) -> Event:
    return Event.from_document(parse_notification(vector.raw) | changes)


def rendered(event: Event) -> Any:
    body = render(event)
    assert isinstance(body, bytes)
    return json.loads(body)


@pytest.mark.parametrize("vector", OF_PIPELINES, ids=lambda of_pipeline: of_pipeline.name)
def test_a_notice_of_devlake_is_sent_on_unchanged(vector: Vector):
    assert render(event_of(vector)) == vector.raw


@pytest.mark.parametrize("vector", REDRAWN, ids=lambda vector: vector.name)
def test_an_event_is_written_as_devlake_would_have(vector: Vector):
    assert render(event_of(vector, data=None)) == vector.raw


def test_a_text_is_escaped_as_go_escapes_it():
    assert {text: go_json(text) for text, _ in TEXTS} == dict(TEXTS)


@pytest.mark.parametrize(("time", "expected"), TIMES)
def test_a_producers_time_is_written_as_go_writes_it(time: str, expected: str):
    body = rendered(an_event(event_type="PIPELINE_RUNNING", began_at=time, created_at=time))

    assert body["BeganAt"] == body["CreatedAt"] == expected


def test_a_minimal_event_has_every_field_of_devlakes():
    body = render(an_event(pipeline_id="39", project_name=None))

    assert body == (
        b'{"ProjectName":"","PipelineID":39,"CreatedAt":"2024-09-05T15:08:00.389+08:00",'
        b'"UpdatedAt":"2024-09-05T15:08:00.389+08:00","BeganAt":null,"FinishedAt":null,'
        b'"Status":"TASK_CREATED"}'
    )


def test_an_inferred_event_has_its_own_state_and_nothing_of_a_later_notice():
    later = vector_named("TASK_RUNNING")
    inferred = event_of(
        later,
        event_type="PIPELINE_CREATED",
        timestamp="2024-09-05T15:08:00.389+08:00",
        inferred=True,
    )

    assert rendered(inferred) == later.document | {
        "UpdatedAt": "2024-09-05T15:08:00.389+08:00",
        "BeganAt": None,
        "Status": "TASK_CREATED",
    }


@pytest.mark.parametrize("body", [7, None, "no JSON", '{"PipelineID":39}'])
def test_an_invalid_devlake_body_of_a_producer_is_not_sent(body: object):
    assert rendered(an_event(data={"devlake": body}))["PipelineID"] == 39


@pytest.mark.parametrize(
    "event_type",
    [
        event_type
        for event_type in EventType
        if event_type.startswith("TASK_") or event_type == "PIPELINE_STALLED"
    ],
)
def test_an_event_type_without_a_status_of_devlake_is_unsupported(event_type: EventType):
    assert render(an_event(event_type=str(event_type))) == UnsupportedEvent(
        f"DevLake has no status for {event_type}"
    )


@pytest.mark.parametrize("pipeline_id", ["abc", "039", "-1", "1_0", "18446744073709551616", -1])
def test_a_pipeline_whose_id_is_no_integer_cannot_be_sent(pipeline_id: str | int):
    assert render(an_event(pipeline_id=pipeline_id)) == UnsupportedEvent(
        f"DevLake's pipelines have integers for ids, not {pipeline_id}"
    )


def test_the_oldest_form_cannot_be_sent():
    assert isinstance(render(event_of(vector_named("of a task"))), UnsupportedEvent)
