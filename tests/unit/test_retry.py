import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehook.domain.errors import InvalidInput
from lakehook.domain.retry import RetrySchedule

DAY = 24 * 3600.0

delays = st.floats(0, 7 * DAY)
schedules = st.lists(delays, min_size=1, max_size=50).map(
    lambda delay_list: RetrySchedule(tuple(delay_list))
)
hints = st.none() | st.floats(0, allow_infinity=True)
chances = st.floats(0, 1)


@given(schedules, hints, chances)
def test_n_delays_are_n_plus_1_attempts(schedule: RetrySchedule, hint: float | None, chance: float):
    attempts = 1
    while schedule.wait_after(attempts, retry_after=hint, random=chance) is not None:
        attempts += 1

    assert attempts == len(schedule.delays) + 1


@given(schedules, hints, chances, st.data())
def test_no_retry_is_early_or_later_than_its_delay_and_jitter(
    schedule: RetrySchedule, hint: float | None, chance: float, data: st.DataObject
):
    attempts = data.draw(st.integers(1, len(schedule.delays)))
    delay = schedule.delays[attempts - 1]

    wait = schedule.wait_after(attempts, retry_after=hint, random=chance)

    assert wait is not None
    assert wait >= delay
    assert wait >= min(hint or 0, DAY)
    assert wait <= max(1.1 * delay, min(hint or 0, DAY))


@pytest.mark.parametrize(
    ("hint", "wait"),
    [
        (None, 100),
        (0, 100),
        (99, 100),
        (101, 101),
        (DAY, DAY),
        (DAY + 1, DAY),
        (math.inf, DAY),
    ],
)
def test_a_hint_is_obeyed_up_to_a_day_and_never_shortens_a_wait(hint: float | None, wait: float):
    assert RetrySchedule((100,)).wait_after(1, retry_after=hint, random=0) == wait


def test_jitter_adds_a_tenth_at_most():
    assert RetrySchedule((100,)).wait_after(1, retry_after=None, random=1) == pytest.approx(110)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5", (5,)),
        ("0", (0,)),
        ("0.25, 1.5 ,3", (0.25, 1.5, 3)),
        ("604800", (604800,)),
        ("007,00604800.0", (7, 604800)),
        ("1e-05,1.5e-07", (1e-05, 1.5e-07)),
        (",".join(["1"] * 50), (1,) * 50),
    ],
)
def test_a_schedule_is_seconds_with_commas(text: str, expected: tuple[float, ...]):
    assert RetrySchedule.parse(text) == RetrySchedule(expected)


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "-", "5,", ",5", "5,,5", "5;300", "5 300", "5\t", "5\n", "five", "-1", "-0"),
        *("+1", ".5", "5.", "1_000", "1e3", "1e-0001", "1e999", "\u0665", "nan", "inf", "-inf"),
        *("604801", "604800.1", "604800.00000000000000000001", ",".join(["1"] * 51)),
    ],
)
def test_an_invalid_schedule_is_refused(text: str):
    with pytest.raises(InvalidInput, match="retry schedule: "):
        RetrySchedule.parse(text)


@given(st.lists(st.floats(0, 604_800), min_size=1, max_size=50))
def test_a_schedule_reads_what_it_writes(delays: list[float]):
    assert RetrySchedule.parse(str(RetrySchedule(tuple(delays)))).delays == pytest.approx(delays)


@given(st.text())
def test_any_text_is_a_schedule_or_a_bad_input(text: str):
    try:
        schedule = RetrySchedule.parse(text)
    except InvalidInput:
        return

    assert all(0 <= delay <= 7 * DAY for delay in schedule.delays)
