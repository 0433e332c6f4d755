"""A schedule that a stage may have is one that the function can read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.config import RETRY_SCHEDULE, SCHEDULE
from lakehook.domain.errors import InvalidInput
from lakehook.domain.retry import RetrySchedule


def is_admitted(text: str) -> bool:
    return SCHEDULE.fullmatch(text) is not None


def is_read(text: str) -> bool:
    try:
        RetrySchedule.parse(text)
    except InvalidInput:
        return False
    return True


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        (RETRY_SCHEDULE, True),
        ("0", True),
        ("0.5, 1 ,  3", True),
        ("007,00604800", True),
        ("599999,603999,604799,604799.9", True),
        ("604800,604800.0", True),
        (",".join(["604800"] * 50), True),
        ("1e-05,1.5e-07", True),
        ("604801", False),
        ("604800.1", False),
        ("604800.00000000000000000001", False),
        ("605000", False),
        ("610000", False),
        ("700000", False),
        ("1000000", False),
        ("5,999999", False),
        (",".join(["1"] * 51), False),
        ("", False),
        (" ", False),
        ("5,", False),
        (",5", False),
        ("5,,5", False),
        ("5 5", False),
        ("5\t", False),
        ("5\n", False),
        ("-1", False),
        ("-0", False),
        ("+1", False),
        (".5", False),
        ("5.", False),
        ("1_000", False),
        ("1e3", False),
        ("1e-0001", False),
        ("\u0665", False),
        ("nan", False),
        ("inf", False),
    ],
)
def test_a_stage_admits_a_schedule_where_the_function_reads_it(text: str, *, taken: bool):
    assert (is_admitted(text), is_read(text)) == (taken, taken)


@given(st.from_regex(SCHEDULE, fullmatch=True) | st.text("0123456789.,e- ", max_size=20))
def test_any_text_is_admitted_and_read_or_neither(text: str):
    assert is_admitted(text) == is_read(text)


@given(st.lists(st.floats(0, 604_800), min_size=1, max_size=50))
def test_what_a_schedule_writes_is_admitted_and_read(delays: list[float]):
    written = str(RetrySchedule(tuple(delays)))

    assert is_admitted(written)
    assert is_read(written)
