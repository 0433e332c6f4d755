"""The depth of a document is limited, and checking it costs no more than reading it."""

import json

import pytest

from lakehook.domain.json_document import (
    MAX_LEVELS,
    parse_json_object,
    read_stored,
    to_ascii_json,
    to_json,
)


def nested(levels: int) -> str:
    """An object of so many levels, with brackets in its strings."""
    inner = '"[{\\"[{"'
    for _ in range(levels - 1):
        inner = f"[{inner}]"
    return f'{{"a[": {inner}}}'


def test_a_document_may_have_so_many_levels():
    assert parse_json_object(nested(MAX_LEVELS)) == json.loads(nested(MAX_LEVELS))


def test_a_document_with_one_level_more_is_refused():
    with pytest.raises(ValueError, match=r"^nested deeper than 64 levels$"):
        parse_json_object(nested(MAX_LEVELS + 1))


def test_wide_is_not_deep():
    document = {"a": [[]] * 1000, "b": [{}] * 1000}

    assert parse_json_object(json.dumps(document)) == document


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("{" * 65 + '"' + '\\"' * 60_000, id="a string of quotes without an end"),
        pytest.param("[" * 65 + '"' * 120_001, id="strings without end"),
        pytest.param('{"a":' * 60_000, id="objects"),
        pytest.param('{"a":"' + "[" * 120_000, id="brackets in a string without an end"),
    ],
)
def test_a_text_that_is_expensive_to_parse_is_refused_at_once(text: str):
    with pytest.raises(ValueError, match=r"nested|JSON"):
        parse_json_object(text)


@pytest.mark.parametrize(
    "number",
    [
        "0.5",
        "100.10",
        "12345678901234567.89",
        "0.1234567890123456789",
        "-0.0",
        "1E-400",
        "123456789012345678901234567890",
    ],
)
def test_a_number_is_written_as_it_was_read(number: str):
    text = f'{{"n":{number},"of":[{{"x":{number}}}]}}'

    document = parse_json_object(text)

    assert to_json(document) == to_ascii_json(document) == text
    assert to_json(read_stored(to_json(document))) == text


def test_text_beside_a_number_of_many_digits_is_written_as_ever():
    other = {'\u2028"': ["湖", None, True, {}, []]}
    document = parse_json_object(to_json(other)[:-1] + ',"n":1.10}')

    assert to_json(document) == to_json(other)[:-1] + ',"n":1.10}'
    assert parse_json_object(to_ascii_json(document)) == document
