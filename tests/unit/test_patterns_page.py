"""``docs/patterns.md`` describes patterns as they are."""

import json
import re
from pathlib import Path

import pytest

from lakehook.domain.errors import InvalidSubscription
from lakehook.domain.event import Event
from lakehook.domain.event_pattern import MAX_LEVELS, MAX_PATTERN_BYTES, parse_pattern
from lakehook.domain.pattern_operators import OPERATORS
from tests.builders import a_subscription

PAGE = (Path(__file__).parents[2] / "docs" / "patterns.md").read_text(encoding="utf-8")
(EVENT_JSON,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
TRIED = re.findall(r"^\| (?:.* \| )?`(\{.*\})` \| (yes|no)\b", PAGE, re.MULTILINE)
REFUSED = re.findall(r"^\| `(\{.*\})` \| `(pattern: .*)` \|$", PAGE, re.MULTILINE)


@pytest.mark.parametrize(("pattern", "answer"), TRIED)
def test_each_example_takes_the_event_or_not_as_it_says(pattern: str, answer: str):
    event = Event.from_document(json.loads(EVENT_JSON))

    is_accepted = a_subscription(pattern=parse_pattern(pattern)).accepts(event)

    assert is_accepted is (answer == "yes")


@pytest.mark.parametrize(("pattern", "complaint"), REFUSED)
def test_each_refusal_of_the_page_is_the_real_one(pattern: str, complaint: str):
    with pytest.raises(InvalidSubscription, match=f"^{re.escape(complaint)}$"):
        parse_pattern(pattern)


def test_every_row_is_tried_and_it_names_every_operator_and_bound():
    rows = re.findall(r"^\| .*`\{.*$", PAGE, re.MULTILINE)
    names = re.findall(r"^\| `([a-z$-]+)` \|", PAGE, re.MULTILINE)

    assert len(rows) == len(TRIED) + len(REFUSED)
    assert sorted(names) == sorted([*OPERATORS, "$or"])
    assert f"{MAX_PATTERN_BYTES:,} bytes of JSON and {MAX_LEVELS} levels" in PAGE
