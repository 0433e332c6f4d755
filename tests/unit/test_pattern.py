"""Patterns over events in EventBridge's syntax: what they match, and which are refused."""

import json
import math
import time
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehook.domain import subscription as subscription_module
from lakehook.domain.errors import InvalidSubscription
from lakehook.domain.event_pattern import (
    MAX_PATTERN_BYTES,
    PatternExhausted,
    Predicate,
    compile_pattern,
    parse_pattern,
)
from lakehook.domain.json_document import expand_names, to_json
from tests.builders import a_subscription, an_event

EVENT = {
    "pipeline_id": 39,
    "event_type": "PIPELINE_FAILED",
    "project_name": "lake-Payments",
    "task": {"id": 7, "plugin": "gitlab"},
    "data": {
        "tags": ["nightly", "eu"],
        "ratio": 0.5,
        "ok": True,
        "note": None,
        "empty": [],
        "path": "a*b\\c",
        "street": "Straße",
        "a.b": 1,
        "both.x": 1,
        "both": [{"x": 2}],
        "jobs": [
            {"plugin": "jira", "state": "failed", "tries": [1, [2, 3]]},
            [{"plugin": "gitlab", "state": "done"}],
            "none",
        ],
    },
}

TABLE: list[tuple[Any, bool]] = [
    # literals
    ({"event_type": ["PIPELINE_FAILED"]}, True),
    ({"event_type": ["PIPELINE_COMPLETED", "PIPELINE_FAILED"]}, True),
    ({"event_type": ["pipeline_failed"]}, False),
    ({"pipeline_id": [39]}, True),
    ({"pipeline_id": ["39"]}, False),
    ({"data": {"ok": [True]}}, True),
    ({"data": {"ok": [1]}}, False),
    ({"data": {"note": [None]}}, True),
    ({"nothing": [None]}, False),
    # all fields, nested ones too
    ({"event_type": ["PIPELINE_FAILED"], "pipeline_id": [40]}, False),
    ({"task": {"plugin": ["gitlab"], "id": [7]}}, True),
    ({"task": {"plugin": ["jira"]}}, False),
    ({"task": ["gitlab"]}, False),
    ({"pipeline_id": {"id": [39]}}, False),
    # lists
    ({"data": {"tags": ["eu"]}}, True),
    ({"data": {"tags": ["us", "eu"]}}, True),
    ({"data": {"tags": ["us"]}}, False),
    ({"data": {"tags": [{"prefix": "night"}]}}, True),
    ({"data": {"empty": [{"exists": True}]}}, False),
    ({"data": {"empty": [{"exists": False}]}}, True),
    ({"data": {"empty": {"inner": [{"exists": False}]}}}, True),
    # lists of objects: one of them must match by itself
    ({"data": {"jobs": {"plugin": ["jira"]}}}, True),
    ({"data": {"jobs": {"plugin": ["gitlab"], "state": ["done"]}}}, True),
    ({"data": {"jobs": {"plugin": ["jira"], "state": ["done"]}}}, False),
    ({"data": {"jobs": {"tries": [3]}}}, True),
    ({"data": {"jobs": {"$or": [{"plugin": ["x"]}, {"state": ["done"]}]}}}, True),
    ({"data": {"jobs": ["none"]}}, True),
    ({"data": {"jobs": [{"exists": True}]}}, True),
    # prefix, suffix, case
    ({"project_name": [{"prefix": "lake-"}]}, True),
    ({"project_name": [{"prefix": "Lake-"}]}, False),
    ({"project_name": [{"prefix": {"equals-ignore-case": "LAKE-p"}}]}, True),
    ({"project_name": [{"suffix": "ments"}]}, True),
    ({"project_name": [{"suffix": "Ments"}]}, False),
    ({"project_name": [{"suffix": {"equals-ignore-case": "PAYMENTS"}}]}, True),
    ({"project_name": [{"equals-ignore-case": "LAKE-payments"}]}, True),
    ({"project_name": [{"equals-ignore-case": "lake"}]}, False),
    ({"pipeline_id": [{"prefix": "3"}]}, False),
    # wildcard
    ({"project_name": [{"wildcard": "lake-*"}]}, True),
    ({"project_name": [{"wildcard": "*Pay*s"}]}, True),
    ({"project_name": [{"wildcard": "*"}]}, True),
    ({"project_name": [{"wildcard": "lake"}]}, False),
    ({"project_name": [{"wildcard": "lake-Pay*Payments"}]}, False),
    ({"project_name": [{"wildcard": "l*x*s"}]}, False),
    ({"data": {"path": [{"wildcard": "a\\*b*"}]}}, True),
    ({"data": {"path": [{"wildcard": "a\\*b\\\\c"}]}}, True),
    ({"data": {"path": [{"wildcard": "a\\**c"}]}}, True),
    ({"project_name": [{"wildcard": "lake\\*"}]}, False),
    # anything-but
    ({"event_type": [{"anything-but": "PIPELINE_CREATED"}]}, True),
    ({"event_type": [{"anything-but": ["PIPELINE_CREATED", "PIPELINE_FAILED"]}]}, False),
    ({"pipeline_id": [{"anything-but": [1, 2]}]}, True),
    ({"project_name": [{"anything-but": {"prefix": "lake-"}}]}, False),
    ({"project_name": [{"anything-but": {"suffix": ["x", "ments"]}}]}, False),
    ({"project_name": [{"anything-but": {"equals-ignore-case": ["other"]}}]}, True),
    ({"project_name": [{"anything-but": {"wildcard": "lake*"}}]}, False),
    ({"nothing": [{"anything-but": "x"}]}, False),
    ({"task": [{"anything-but": "x"}]}, False),
    # numeric
    ({"pipeline_id": [{"numeric": ["=", 39]}]}, True),
    ({"pipeline_id": [{"numeric": [">", 38, "<=", 39]}]}, True),
    ({"pipeline_id": [{"numeric": [">", 39]}]}, False),
    ({"data": {"ratio": [{"numeric": ["<", 1]}]}}, True),
    ({"data": {"ok": [{"numeric": ["=", 1]}]}}, False),
    ({"project_name": [{"numeric": [">", 0]}]}, False),
    # exists
    ({"project_name": [{"exists": True}]}, True),
    ({"project_name": [{"exists": False}]}, False),
    ({"message": [{"exists": False}]}, True),
    ({"data": {"note": [{"exists": True}]}}, True),
    ({"absent": {"inner": [{"exists": False}]}}, True),
    ({"task": [{"exists": True}]}, False),
    ({"task": [{"exists": False}]}, True),
    # $or
    ({"$or": [{"pipeline_id": [1]}, {"task": {"id": [7]}}]}, True),
    ({"$or": [{"pipeline_id": [1]}, {"task": {"id": [8]}}]}, False),
    ({"event_type": ["PIPELINE_CREATED"], "$or": [{"pipeline_id": [39]}, {"x": [1]}]}, False),
    ({"data": {"$or": [{"ratio": [1]}, {"ok": [True]}]}}, True),
    # the later of two conditions on a path counts
    ({"pipeline_id": [1], "$or": [{"pipeline_id": [39]}, {"task": {"id": [8]}}]}, True),
    ({"$or": [{"pipeline_id": [39]}, {"task": {"id": [7]}}], "pipeline_id": [1]}, False),
    ({"task.id": [8], "task": {"id": [7]}}, True),
    ({"task": {"id": [7]}, "task.id": [8]}, False),
    # names with dots, in the pattern and in the event
    ({"task.plugin": ["gitlab"], "data": {"a.b": [1]}}, True),
    ({"data": {"a": {"b": [1]}}}, True),
    ({"data.a.b": [2]}, False),
    ({"data.both.x": [1]}, True),
    ({"data.both.x": [2]}, True),
    # case, of each character by itself
    ({"data": {"street": [{"equals-ignore-case": "STRASSE"}]}}, False),
    ({"data": {"street": [{"equals-ignore-case": "STRAßE"}]}}, True),
    ({"data": {"street": [{"suffix": {"equals-ignore-case": "SSE"}}]}}, False),
    ({"data": {"street": [{"prefix": {"equals-ignore-case": "\u017f"}}]}}, True),
    ({"project_name": [{"suffix": {"equals-ignore-case": "\u017f"}}]}, False),
    ({"data": {"street": [{"prefix": {"equals-ignore-case": ""}}]}}, True),
    ({"data": {"street": [{"suffix": {"equals-ignore-case": ""}}]}}, True),
    ({"data": {"street": [{"suffix": {"equals-ignore-case": "xStraße"}}]}}, False),
    # absent is absent from all objects of a list
    ({"data": {"jobs": {"tries": [{"exists": False}]}}}, False),
    ({"data": {"jobs": {"plugin": ["gitlab"], "tries": [{"exists": False}]}}}, False),
    ({"data": {"jobs": {"plugin": ["gitlab"], "error": [{"exists": False}]}}}, True),
]


@pytest.mark.parametrize(("pattern", "matches"), TABLE, ids=lambda value: json.dumps(value)[:60])
def test_an_event_matches_as_in_eventbridge(pattern: Any, *, matches: bool):
    assert compile_pattern(json.dumps(pattern))(expand_names(EVENT)) is matches


def or_of(combinations: int) -> str:
    """A pattern with three ``$or`` that multiply to as many alternatives, or a few more."""
    size = math.ceil(combinations ** (1 / 3))
    alternatives = [{"a": [number]} for number in range(size)]
    return json.dumps({name: {"$or": alternatives} for name in "xyz"})


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "pattern: not JSON"),
        ("[]", "pattern: not a JSON object"),
        ("{}", "pattern: it is empty"),
        ('{"task": {}}', "pattern: task is empty"),
        ('{"task": "gitlab"}', "pattern: task is neither an object nor a list"),
        ('{"task": []}', "pattern: task is neither"),
        ('{"task": {"plugin": [["a"]]}}', "pattern: task.plugin holds a list"),
        ('{"a": [{"regex": "x"}]}', "pattern: a: 'regex' is not one of prefix"),
        ('{"a": [{"prefix": "x", "suffix": "y"}]}', "pattern: a has an operator with 2 names"),
        ('{"a": [{"prefix": {"suffix": "x"}}]}', "a: prefix wants a text, or equals-ignore"),
        ('{"a": [{"prefix": 1}]}', "pattern: a: prefix wants a text"),
        ('{"a": [{"wildcard": "a**b"}]}', "pattern: a: two \\* in a row"),
        ('{"a": [{"wildcard": "a\\\\b"}]}', "pattern: a: a backslash in a wildcard stands before"),
        ('{"a": [{"wildcard": "a\\\\"}]}', "pattern: a: a backslash in a wildcard stands before"),
        ('{"a": [{"exists": "yes"}]}', "pattern: a: exists is true or false"),
        ('{"a": [{"numeric": [">"]}]}', "pattern: a: numeric is a list"),
        ('{"a": [{"numeric": ["!", 3]}]}', "pattern: a: numeric compares by"),
        ('{"a": [{"numeric": [">", "3"]}]}', "pattern: a: numeric compares by"),
        ('{"a": [{"numeric": [[], 3]}]}', "pattern: a: numeric compares by"),
        ('{"a": [{"numeric": [">", 1e400]}]}', "pattern: not a finite number"),
        ('{"a": [{"numeric": [">", 5, "<", 3]}]}', "pattern: a: numeric is from > or >= a number"),
        ('{"a": [{"numeric": [">", 3, "<", 3]}]}', "pattern: a: numeric is from > or >= a number"),
        ('{"a": [{"anything-but": {}}]}', "pattern: a: anything-but goes with one of equals"),
        ('{"a": [{"anything-but": {"prefix": []}}]}', "a: prefix within anything-but wants"),
        ('{"a": [{"anything-but": {"prefix": ""}}]}', "wants a text that is not empty"),
        ('{"a": [{"anything-but": {"prefix": "a", "suffix": "b"}}]}', "a: anything-but goes with"),
        (
            '{"a": [{"anything-but": {"suffix": {"equals-ignore-case": "a"}}}]}',
            "a: suffix within anything-but wants a text",
        ),
        ('{"a": [{"anything-but": null}]}', "pattern: a: anything-but wants a text or a number"),
        ('{"a": [{"anything-but": ["x", true]}]}', "pattern: a: anything-but wants a text or"),
        ('{"a": [{"anything-but": ["x", 1]}]}', "or a list of one kind"),
        ('{"a": [{"anything-but": [[1]]}]}', "pattern: a: anything-but wants"),
        ('{"a": [1], "a": [2]}', "pattern: 'a' is given twice"),
        ('{"a": ["\udcff"]}', "pattern: not UTF-8"),
        ('{"a": ["\\udcff"]}', "pattern: not Unicode: a lone surrogate"),
        ('{"a": [{"anything-but": []}]}', "pattern: a: anything-but wants"),
        ('{"a": [{"anything-but": {"numeric": ["=", 1]}}]}', "pattern: a: anything-but goes with"),
        ('{"$or": [{"a": [1]}]}', "pattern: \\$or is not a list of two"),
        ('{"$or": null}', "pattern: \\$or is not a list of two"),
        ('{"$or": [{"a": [1]}, 2]}', "pattern: \\$or contains something that is not a pattern"),
        ('{"$or": [{"a": [1]}, {"b": {"prefix": [1]}}]}', "b.prefix: no field may be called"),
        (or_of(1001), "pattern: all \\$or together have more than 1000 alternatives"),
        (json.dumps({".".join("a" * 17): [1]}), "pattern: nested deeper than 16 levels"),
        ('{"a": ' * 20 + "[1]" + "}" * 20, "pattern: nested deeper than 16 levels"),
        ('{"a": ["' + "x" * MAX_PATTERN_BYTES + '"]}', "pattern: more than 4096 bytes"),
    ],
)
def test_an_invalid_pattern_is_refused_with_the_field_and_the_reason(text: str, complaint: str):
    with pytest.raises(InvalidSubscription, match=complaint):
        parse_pattern(text)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(pattern=values, document=st.dictionaries(st.text(max_size=5), values, max_size=3))
def test_any_text_is_refused_or_a_pattern_that_matches_or_not(
    pattern: Any, document: dict[str, Any]
):
    with suppress(InvalidSubscription):
        assert compile_pattern(json.dumps(pattern))(expand_names(document)) in (True, False)


def test_a_wildcard_takes_no_longer_the_more_stars_it_has():
    predicate = compile_pattern(json.dumps({"a": [{"wildcard": "*a" * 500 + "*b"}]}))

    began = time.process_time()
    assert not predicate({"a": "a" * 100_000})

    assert time.process_time() - began < 1.0


def test_a_pattern_is_compiled_once_however_many_events_there_are(
    monkeypatch: pytest.MonkeyPatch,
):
    compilations: list[str] = []

    def counting(text: str) -> Predicate:
        compilations.append(text)
        return compile_pattern(text)

    monkeypatch.setattr(subscription_module, "compile_pattern", counting)
    subscriptions = [a_subscription(pattern=f'{{"pipeline_id": [{n}]}}') for n in range(500)]

    received = [
        subscription.accepts(an_event()) for _ in range(3) for subscription in subscriptions
    ]

    assert sum(received) == 3
    assert len(compilations) == 500


def test_a_pattern_of_another_release_keeps_nothing_from_going_out():
    subscription = a_subscription(pattern='{"a": [{"cidr": "10.0.0.0/8"}]}')

    assert subscription.accepts(an_event())


def filled(make: Callable[[int], Any]) -> str:
    """The longest pattern of a kind."""
    number = 2
    while len(json.dumps(make(number + 1))) <= MAX_PATTERN_BYTES:
        number += 1
    return json.dumps(make(number))


@pytest.mark.parametrize(
    ("pattern", "leaf"),
    [
        (filled(lambda n: {"l": {"$or": [{"a": [1]}] * n}}), {}),
        (filled(lambda n: {"l": [{"wildcard": "*a*b*c"}] * n}), "ab"),
        (filled(lambda n: {"l": [{"anything-but": [1]}] * n}), 1),
    ],
    ids=["alternatives of objects", "wildcards", "anything-but"],
)
def test_a_pattern_and_an_event_that_take_too_long_together_are_exhausted(pattern: str, leaf: Any):
    predicate = compile_pattern(pattern)

    with pytest.raises(PatternExhausted):
        predicate({"l": [leaf] * 40_000})

    assert predicate({"l": [leaf]}) is False  # the next event has an allowance of its own


def test_alternatives_of_many_fields_are_refused_since_fan_out_would_compile_them_for_seconds():
    alternatives = [{"x": [n]} for n in range(10)]
    pattern: dict[str, Any] = {name: {"$or": alternatives} for name in "abc"}

    assert not compile_pattern(json.dumps(pattern | {f"n{n}": [1] for n in range(7)}))({})
    with pytest.raises(InvalidSubscription, match="make more than 10000 conditions"):
        compile_pattern(json.dumps(pattern | {f"n{n}": [1] for n in range(8)}))


def test_thousands_of_names_that_lead_to_one_list_are_expanded_in_time():
    event = {"a": [1] * 20_000, **{f"a.{number}": 1 for number in range(10_000)}}
    began = time.process_time()

    expanded = expand_names(event)

    assert len(expanded["a"]) == 30_000
    assert time.process_time() - began < 1.0


def test_many_literals_and_many_elements_are_no_product():
    predicate = compile_pattern(filled(lambda n: {"l": list(range(n))}))

    assert not predicate({"l": [-1] * 65_000})
    assert predicate({"l": [*[-1] * 65_000, 3]})


@pytest.mark.parametrize(
    ("literal", "value", "matches"),
    [
        (1, True, False),
        (True, 1, False),
        (True, True, True),
        (1, 1.0, True),
        (Decimal("1.50"), 1.5, True),
        (None, None, True),
        (None, ..., False),
    ],
)
def test_a_literal_is_compared_by_its_value_and_kind(literal: Any, value: Any, *, matches: bool):
    predicate = compile_pattern(to_json({"a": [literal]}))

    assert predicate({} if value is ... else {"a": value}) is matches
    assert predicate({"a": [] if value is ... else ["x", value]}) is matches


def test_an_event_that_cannot_be_matched_in_time_is_sent():
    subscription = a_subscription(pattern=filled(lambda n: {"data": {"l": [{"suffix": "x"}] * n}}))

    assert subscription.matches(an_event(data={"l": ["a"] * 20_000}))
