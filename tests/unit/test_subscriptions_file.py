from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lakehook.cli.commands.subscriptions_apply import format_document, parse_source_file
from lakehook.domain.errors import InvalidInput

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec="ascii")), inner),
    max_leaves=8,
)


@given(JSON)
@example("1e5")  # a number here, and not in YAML 1.1
@example("\x85")
@example("\ufeff\ufffe")
def test_a_written_document_is_read_back_unchanged(value: Any) -> None:
    text = format_document({"a": value}, comments={})

    assert repr(parse_source_file(text, name="s").document) == repr({"a": value})


@pytest.mark.parametrize(
    "text", ["no", "on", "2026-01-01", "1:30", "0x1f", "0o7", "1_000", "=", "NO"]
)
def test_words_with_a_special_meaning_in_yaml_1_1_are_texts(text: str) -> None:
    assert parse_source_file(f"a: {text}", name="s").document == {"a": text}


def test_every_value_has_its_line() -> None:
    source_file = parse_source_file("\na:\n  - b: 1\n    c: 2\n  - d\n", name="s")

    assert [source_file.line(*path) for path in (("a",), ("a", 0, "c"), ("a", 1))] == [2, 4, 5]
    assert source_file.line("a", 0, "missing") == 3


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a: 1\na: 2", "s:2: 'a' is given twice"),
        ("a: &x [1]\nb: *x", "s:2: an alias; write it out"),
        ("a: !!python/object/apply:os.system [ls]", "s:1: a tag"),
        ("a: !secret x", "s:1: a tag"),
        ("a: 1\n---\nb: 1", "s:2: but found another document"),
        ("[a]: 1", "s:1: a key that is no text"),
        ("a: [1", "s:1: expected ',' or ']', but got '<stream end>'"),
        ("a: \0", "s: not YAML: unacceptable character #x0000"),
        ("[" * 600, "s: nested too deep"),
        ("a: !!int x", "s:1: "),
    ],
)
def test_yaml_beyond_the_plain_subset_is_refused_with_its_line(text: str, fault: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_source_file(text, name="s")

    assert str(refused.value).startswith(fault)


def test_an_empty_file_is_an_empty_document() -> None:
    assert parse_source_file("# only a comment\n", name="s").document is None


def test_variables_stand_in_comments_above_and_break_no_line() -> None:
    text = format_document(
        {"subscriptions": []}, comments={"LAKEHOOK_URL_X": "URL of a\nsubscriptions: b"}
    )

    assert "#   LAKEHOOK_URL_X: 'URL of a\\nsubscriptions: b'" in text
    assert parse_source_file(text, name="s").document == {"subscriptions": []}
