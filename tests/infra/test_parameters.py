"""What a template admits is what the functions can read."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.parameters import SCHEDULE
from infra.retention import RETRY_SCHEDULE
from lakehook.domain.errors import BadInput
from lakehook.domain.retry import RetrySchedule
from lakehook.settings import NONE
from tests.infra.blueprint import Blueprint


def is_admitted(text: str) -> bool:
    return re.fullmatch(SCHEDULE, text) is not None


def is_read(text: str) -> bool:
    try:
        RetrySchedule.parse(text)
    except BadInput:
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
def test_a_schedule_is_admitted_by_the_template_where_the_function_reads_it(
    text: str, *, taken: bool
):
    assert (is_admitted(text), is_read(text)) == (taken, taken)


@given(st.from_regex(SCHEDULE, fullmatch=True) | st.text("0123456789.,e- ", max_size=20))
def test_any_text_is_admitted_and_read_or_neither(text: str):
    assert is_admitted(text) == is_read(text)


@given(st.lists(st.floats(0, 604_800), min_size=1, max_size=50))
def test_what_a_schedule_writes_is_admitted_and_read(delays: list[float]):
    written = str(RetrySchedule(tuple(delays)))

    assert is_admitted(written)
    assert is_read(written)


def test_the_parameter_has_this_pattern(production: Blueprint):
    parameter = production.template["Parameters"]["RetrySchedule"]

    assert parameter["AllowedPattern"] == f"^({SCHEDULE})$"


@pytest.mark.parametrize(
    ("sender", "taken"),
    [
        ("-", True),
        ("lakehook@team.example", True),
        ("lake.hook+ci@team.example", True),
        ("", False),
        ("team.example", False),
        ("Lakehook <lakehook@team.example>", False),
        ("a@team.example,b@team.example", False),
        ("a@team.example\nBcc: b@team.example", False),
    ],
)
def test_the_sender_of_mail_is_one_plain_address_or_none(
    production: Blueprint, sender: str, *, taken: bool
):
    pattern = production.template["Parameters"]["EmailSender"]["AllowedPattern"]

    assert (re.fullmatch(pattern, sender) is not None) == taken


def test_unless_it_is_said_no_mail_is_sent(production: Blueprint):
    assert production.template["Parameters"]["EmailSender"]["Default"] == NONE
