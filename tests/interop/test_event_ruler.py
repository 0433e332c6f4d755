"""Patterns match as in event-ruler, the engine that AWS publishes: on random patterns and events.

https://github.com/aws/event-ruler
"""

import json
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from lakehook.domain.errors import InvalidSubscription
from lakehook.domain.event_pattern import compile_pattern
from lakehook.domain.json_document import expand_names
from tests.witness.environments import is_installed, java

Json = dict[str, Any]

JUDGE = Path(__file__).with_name("EventRuler.java")
MAX_EXAMPLES = 150
MAX_EVENTS = 10
"""For each pattern, in one exchange: the two processes take turns at each."""

names = st.sampled_from(["a", "b", "c", "a.b"])
texts = st.sampled_from(["eu", "EU", "eu-west", "lake", "a*b", "\\", "straße"])
ascii_texts = texts.filter(str.isascii)
numbers = st.sampled_from([-3, 0, 1, 1.5, 2, 1000])
literals = texts | numbers | st.booleans() | st.none() | st.just("")


def one_or_more(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return values | st.lists(values, min_size=1, max_size=2)


ranges = st.tuples(st.sampled_from([">", ">="]), numbers, st.sampled_from(["<", "<="]), numbers)
comparisons = st.tuples(st.sampled_from(["<", "<=", "=", ">=", ">"]), numbers)
ignoring_case = st.fixed_dictionaries({"equals-ignore-case": ascii_texts})
wildcards = st.lists(st.sampled_from(["eu", "l", "*", "-", "\\*"]), min_size=1, max_size=4)
operators = st.one_of(
    st.fixed_dictionaries({"prefix": texts | ignoring_case}),
    st.fixed_dictionaries({"suffix": ascii_texts | ignoring_case}),
    ignoring_case,
    st.fixed_dictionaries({"wildcard": wildcards.map("".join)}),
    st.fixed_dictionaries({"exists": st.booleans()}),
    st.fixed_dictionaries({"numeric": (comparisons | ranges).map(list)}),
    st.fixed_dictionaries(
        {
            "anything-but": one_or_more(texts)
            | one_or_more(numbers)
            | st.fixed_dictionaries({"prefix": one_or_more(texts)})
            | st.fixed_dictionaries({"suffix": one_or_more(ascii_texts)})
            | st.fixed_dictionaries({"equals-ignore-case": one_or_more(ascii_texts)})
            | st.fixed_dictionaries({"wildcard": one_or_more(wildcards.map("".join))})
        }
    ),
)
leaves = st.lists(literals | operators, min_size=1, max_size=3)


def objects(within: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    plain = st.dictionaries(names, within, min_size=1, max_size=3)
    choice = st.fixed_dictionaries({"$or": st.lists(plain, min_size=2, max_size=3)})
    return plain | st.builds(lambda fields, either: {**fields, **either}, plain, choice) | choice


patterns = objects(leaves | objects(leaves))
values = st.recursive(
    literals,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)
events = st.dictionaries(names, values, min_size=1, max_size=3)


class EventRuler:
    """The engine, in one process for all questions."""

    def __init__(self, questions: IO[str], answers: IO[str]) -> None:
        self._questions, self._answers = questions, answers

    def matches(self, pattern: Json, events: Sequence[Json]) -> list[bool | None]:
        """Tell for each event whether it matches; ``None`` if the pattern is refused."""
        lines = [json.dumps({"pattern": pattern, "event": event}) for event in events]
        print(*lines, sep="\n", file=self._questions, flush=True)
        answers = [self._answers.readline().strip() for _ in events]
        return [{"true": True, "false": False, "refused": None}[answer] for answer in answers]


@pytest.fixture(scope="module")
def event_ruler(request: pytest.FixtureRequest) -> Iterator[EventRuler]:
    if hasattr(request.config, "workerinput") or not is_installed("event-ruler"):
        pytest.skip("`make witness` fetches event-ruler, where there is Java, and runs this")
    with subprocess.Popen(
        [*java("event-ruler"), str(JUDGE)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as process:
        assert process.stdin
        assert process.stdout
        yield EventRuler(process.stdin, process.stdout)
        process.stdin.close()


def results(pattern: Json, events: Sequence[Json]) -> list[bool | None]:
    try:
        matches = compile_pattern(json.dumps(pattern))
    except InvalidSubscription as error:
        note(str(error))
        return [None for _ in events]
    return [matches(expand_names(event)) for event in events]


@settings(max_examples=MAX_EXAMPLES)
@given(pattern=patterns, events=st.lists(events, min_size=1, max_size=MAX_EVENTS))
def test_a_pattern_matches_as_in_event_ruler(
    event_ruler: EventRuler, pattern: Json, events: list[Json]
):
    assert results(pattern, events) == event_ruler.matches(pattern, events)
