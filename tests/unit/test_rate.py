from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehook.domain.errors import InvalidInput
from lakehook.domain.rate_limit import MAX_COUNT, Rate


@pytest.mark.parametrize(
    ("text", "seconds"), [("20/m", 60), ("1/s", 1), ("500/h", 3600), ("24/d", 86400)]
)
def test_a_rate_is_written_as_a_number_and_a_time(text: str, seconds: float):
    rate = Rate.parse(f" {text} ")

    assert str(rate) == text
    assert rate.seconds == seconds


@pytest.mark.parametrize(
    "text", ["", "20", "20/", "/m", "0/m", "020/m", "20/w", "-1/s", "1.5/s", "٣/m"]
)
def test_an_invalid_rate_is_refused_with_a_valid_form(text: str):
    with pytest.raises(InvalidInput, match=r"rate: .* is not a rate such as 20/m, 1/s, 500/h"):
        Rate.parse(text)


def test_a_rate_has_a_maximum():
    assert Rate.parse(f"{MAX_COUNT}/s").count == MAX_COUNT
    with pytest.raises(InvalidInput):
        Rate.parse(f"{MAX_COUNT + 1}/s")


@given(
    rate=st.builds(Rate, st.integers(1, 1000), st.sampled_from("smh")),
    late=st.lists(st.floats(0, 1), min_size=3, max_size=3),
)
def test_a_late_delivery_does_not_let_the_rate_be_exceeded(rate: Rate, late: list[float]):
    latest = min(5.0, rate.seconds / 12)
    times = [n * rate.min_interval_seconds for n in range(rate.count + 1)]

    first = times[0] + latest * late[0]

    assert times[-1] - first > rate.seconds - 1e-6
    assert all(later - earlier > 0 for earlier, later in pairwise(times))


def test_the_slower_of_two_rates_applies():
    fast, slow = Rate.parse("1/s"), Rate.parse("20/m")

    assert fast.slower_of(slow) is slow.slower_of(fast) is slow
    assert fast.slower_of(None) is fast
