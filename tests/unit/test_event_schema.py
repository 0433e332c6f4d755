"""The published schema and the code say the same."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from lakehook.domain.errors import InvalidEvent
from lakehook.domain.event import Event, EventType
from lakehook.domain.event_fields import OPTIONAL
from tests.builders import a_document

SCHEMA = json.loads(
    (Path(__file__).parents[2] / "docs" / "schemas" / "event.v1.json").read_text(encoding="utf-8")
)
VALIDATOR = Draft202012Validator(SCHEMA)


def test_the_schema_is_one():
    Draft202012Validator.check_schema(SCHEMA)


def test_the_schema_lists_every_event_type():
    assert SCHEMA["properties"]["event_type"]["enum"] == list(EventType)


def test_an_event_fits_the_schema():
    VALIDATOR.validate(a_document(event_id="e1", began_at=None, task={"id": 3}, weather="rain"))


VALUES = st.sampled_from(
    [
        ...,
        None,
        "",
        39,
        -1,
        True,
        1.5,
        "39",
        "a b",
        "x" * 65,
        "x" * 129,
        "PIPELINE_CREATED",
        "manual",
        "blueprint:7",
        "blueprint:",
        "unknown",
        "staging",
        "-staging",
        "a/b",
        "x" * 33,
        "https://devlake.example/advanced/pipeline/39",
        "ftp://devlake.example/",
        0,
        False,
        ["a"],
        [1],
        [{"id": 7, "plugin": "github", "status": None, "message": "HTTP 502"}],
        [{"id": 7, "plugin": "github", "message": "two\nlines"}],
        [{"id": 7, "plugin": "github", "message": "x" * 301}],
        [{"id": 7}],
        [{"id": True, "plugin": "github"}],
        [{"id": 7, "plugin": "github"}] * 11,
        "2024-09-05T15:08:00Z",
        "2024-09-05T15:08:00",
        {},
        {"id": 1},
        [],
    ]
)


def test_every_field_that_is_checked_is_published():
    assert {*a_document(), *OPTIONAL} <= SCHEMA["properties"].keys()


@given(st.dictionaries(st.sampled_from(list(SCHEMA["properties"])), VALUES, max_size=3))
def test_the_schema_and_the_code_refuse_the_same(changes: dict[str, object]):
    document = a_document(**changes)

    valid = VALIDATOR.is_valid(document)

    if valid:
        assert Event.from_document(document)
    else:
        with pytest.raises(InvalidEvent):
            Event.from_document(document)
