"""The published schema and the code agree."""

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


def test_an_event_fits_the_schema_which_names_every_type_and_field():
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["properties"]["event_type"]["enum"] == list(EventType)
    assert {*a_document(), *OPTIONAL} <= SCHEMA["properties"].keys()
    VALIDATOR.validate(a_document(event_id="e1", began_at=None, task={"id": 3}, weather="rain"))


VALUES = """
    null | "" | 39 | -1 | true | 1.5 | "39" | "a b" | "PIPELINE_CREATED" | "manual" | "blueprint:7"
    | "blueprint:" | "unknown" | "staging" | "-staging" | "a/b" | 0 | false | ["a"] | [1] | {}
    | {"id": 1} | [] | "https://devlake.example/advanced/pipeline/39" | "ftp://devlake.example/"
    | "2024-09-05T15:08:00Z" | "2024-09-05T15:08:00" | [{"id": 7}]
    | [{"id": true, "plugin": "github"}] | [{"id": 7, "plugin": "a", "message": "two\\nlines"}]
    | [{"id": 7, "plugin": "github", "status": null, "message": "HTTP 502"}]
"""
TASK = {"id": 7, "plugin": "github"}
ANY = st.sampled_from([json.loads(value) for value in VALUES.split("|")]) | st.sampled_from(
    [..., "x" * 33, "x" * 65, "x" * 129, [TASK | {"message": "x" * 301}], [TASK] * 11]
)


@given(st.dictionaries(st.sampled_from(list(SCHEMA["properties"])), ANY, max_size=3))
def test_the_schema_and_the_code_refuse_the_same(changes: dict[str, object]):
    document = a_document(**changes)

    valid = VALIDATOR.is_valid(document)

    if valid:
        assert Event.from_document(document)
    else:
        with pytest.raises(InvalidEvent):
            Event.from_document(document)
