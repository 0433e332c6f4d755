"""Moments are a time or a duration ago, and an error shows both forms."""

import pytest

from lakehook.domain.errors import InvalidInput
from lakehook.domain.time import parse_time_or_ago
from tests.fakes import NOON

HOUR = 3600.0


@pytest.mark.parametrize(
    ("seconds", "texts"),
    [
        (NOON, ["0s", "2026-01-01T12:00:00Z", "2026-01-01T20:00:00+08:00", "2026-01-01 12:00Z"]),
        (NOON + 0.5, ["2026-01-01t12:00:00.5z"]),
        (NOON - 30, ["30s"]),
        (NOON - 900, ["15m"]),
        (NOON - 2 * HOUR, [" 2h\n"]),
        (NOON - 168 * HOUR, ["7d"]),
        (NOON - 3650 * 24 * HOUR, ["3650d"]),
        (1_767_268_800.0, ["1767268800"]),
        (0.0, ["0", "0001-01-01T00:00:00+14:00"]),  # some offsets of the year 1 cannot be written
    ],
)
def test_a_time_and_a_duration_are_both_moments(seconds: float, texts: list[str]) -> None:
    for text in texts:
        assert parse_time_or_ago(text, what="since", now=NOON) == seconds, text


@pytest.mark.parametrize(
    "text",
    [
        *("yesterday", "", "2 h", "2H", "-2h", "1.5h", "2w", "²h", "٢h", "h"),
        *("2026-01-01", "2026-01-01T12:00:00", "2026-02-30T00:00:00Z", "9" * 12),
    ],
)
def test_an_invalid_moment_is_refused_with_both_forms(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_time_or_ago(text, what="since", now=NOON)

    assert str(refused.value) == (
        f"since: {text!a} is neither a time with an offset, such as 2026-01-01T12:00:00Z,"
        " nor a duration back from now, such as 15m, 2h or 7d"
    )


def test_a_long_text_is_not_repeated_whole() -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_time_or_ago("x" * 1000, what="until", now=NOON)

    assert len(str(refused.value)) < 200


def test_longer_ago_than_ten_years_is_refused() -> None:
    with pytest.raises(InvalidInput, match="since: 3651d is more than 3650d"):
        parse_time_or_ago("3651d", what="since", now=NOON)
