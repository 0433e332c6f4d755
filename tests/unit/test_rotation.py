import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehook.domain.duration import parse_duration
from lakehook.domain.errors import BadInput, BadSubscription
from lakehook.domain.rotation import MOST_LIVE, SealedSecret, live, succeeded
from tests.fakes import NOON

HOUR, DAY = 3600, 24 * 3600
OLD, NEW = SealedSecret(sealed=b"old"), SealedSecret(sealed=b"new")


def after(*overlaps: float) -> tuple[SealedSecret, ...]:
    """The secrets when each rotation came an hour after the one before."""
    secrets: tuple[SealedSecret, ...] = (OLD,)
    for number, overlap in enumerate(overlaps):
        new = SealedSecret(sealed=b"%d" % number)
        secrets = succeeded(secrets, new, now=NOON + number * HOUR, overlap_seconds=overlap)
    return secrets


def test_the_new_secret_stands_first_and_has_no_end():
    assert [one.ends_at for one in after(DAY)] == [None, NOON + DAY]


def test_an_old_secret_signs_until_the_very_end_of_the_overlap_and_no_longer():
    secrets = succeeded([OLD], NEW, now=NOON + 0.5, overlap_seconds=HOUR)

    end = NOON + 0.5 + HOUR
    assert [one.sealed for one in live(secrets, end - 0.001)] == [b"new", b"old"]
    assert [one.sealed for one in live(secrets, end + 1)] == [b"new"]


def test_who_was_replaced_before_keeps_the_end_it_was_told():
    assert [one.ends_at for one in after(DAY, HOUR)] == [None, NOON + 2 * HOUR, NOON + DAY]


def test_no_overlap_ends_every_old_secret_at_once():
    assert [one.sealed for one in after(DAY, DAY, 0)] == [b"2"]


def test_what_has_ended_is_dropped_by_the_next_rotation():
    assert [one.sealed for one in after(HOUR / 2, DAY)] == [b"1", b"0"]


def test_ten_live_secrets_are_enough_and_the_error_says_when_the_next_ends():
    secrets = after(*[DAY] * (MOST_LIVE - 1))
    assert len(secrets) == MOST_LIVE

    with pytest.raises(BadSubscription, match="10 sign already, at most 10; the next ends at 2026"):
        succeeded(secrets, NEW, now=NOON + 9 * HOUR, overlap_seconds=DAY)
    assert succeeded(secrets, NEW, now=NOON + 9 * HOUR, overlap_seconds=0) == (NEW,)
    assert len(succeeded(secrets, NEW, now=NOON + 25 * HOUR, overlap_seconds=DAY)) == MOST_LIVE - 1


@given(st.lists(st.tuples(st.integers(0, 3 * DAY), st.integers(0, 3 * DAY)), max_size=30))
def test_whatever_the_rotations_exactly_the_newest_has_no_end_and_ten_at_most_live(
    rotations: list[tuple[int, int]],
):
    secrets, now = (OLD,), NOON
    for pause, overlap in rotations:
        now += pause
        try:
            secrets = succeeded(secrets, NEW, now=now, overlap_seconds=overlap)
        except BadSubscription:
            assert len(live(secrets, now)) == MOST_LIVE

        assert [one.ends_at for one in secrets].index(None) == 0
        assert sum(one.ends_at is None for one in secrets) == 1
        assert len(live(secrets, now)) <= MOST_LIVE


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("0h", 0),
        ("45s", 45),
        ("30m", 1800),
        ("24h", DAY),
        ("7d", 7 * DAY),
        (" 1h ", HOUR),
    ],
)
def test_a_span_of_time_is_a_number_and_a_unit(text: str, seconds: float):
    assert parse_duration(text, what="overlap", longest=30 * DAY) == seconds


@pytest.mark.parametrize(
    "text", ["", "24", "h", "-1h", "1.5h", "1w", "1h30m", "²h", "1 h", "湖", "9" * 99]
)
def test_what_is_none_is_refused_by_its_name(text: str):
    with pytest.raises(BadInput, match=r"overlap: .* is none of 45s, 30m, 24h, 7d or 0"):
        parse_duration(text, what="overlap", longest=30 * DAY)


def test_a_span_of_time_has_a_bound():
    with pytest.raises(BadInput, match="overlap: 31d is more than 30d"):
        parse_duration("31d", what="overlap", longest=30 * DAY)
