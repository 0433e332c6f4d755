import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehook.domain.errors import InvalidInput, InvalidSubscription
from lakehook.domain.signing import MAX_ACTIVE, EncryptedSecret, active, rotate
from lakehook.domain.time import parse_duration
from tests.fakes import NOON

HOUR, DAY = 3600, 24 * 3600
OLD, NEW = EncryptedSecret(ciphertext=b"old"), EncryptedSecret(ciphertext=b"new")


def rotate_after(*overlaps: float) -> tuple[EncryptedSecret, ...]:
    """Secrets after rotations an hour apart."""
    secrets: tuple[EncryptedSecret, ...] = (OLD,)
    for number, overlap in enumerate(overlaps):
        new = EncryptedSecret(ciphertext=b"%d" % number)
        secrets = rotate(secrets, new, now=NOON + number * HOUR, overlap_seconds=overlap)
    return secrets


@pytest.mark.parametrize(
    ("overlaps", "ends"),
    [
        ([DAY], [None, NOON + DAY]),
        ([DAY, HOUR], [None, NOON + 2 * HOUR, NOON + DAY]),  # each keeps its end
        ([DAY, DAY, 0], [None]),
        ([HOUR / 2, DAY], [None, NOON + HOUR + DAY]),  # what has ended is dropped
    ],
)
def test_the_new_secret_is_first_and_the_others_expire(
    overlaps: list[float], ends: list[float | None]
):
    assert [secret.expires_at for secret in rotate_after(*overlaps)] == ends


def test_an_old_secret_signs_until_the_very_end_of_the_overlap_and_no_longer():
    secrets = rotate([OLD], NEW, now=NOON + 0.5, overlap_seconds=HOUR)

    end = NOON + 0.5 + HOUR
    assert [secret.ciphertext for secret in active(secrets, end - 0.001)] == [b"new", b"old"]
    assert [secret.ciphertext for secret in active(secrets, end + 1)] == [b"new"]


def test_an_eleventh_active_secret_is_refused_with_the_time_when_one_expires():
    secrets = rotate_after(*[DAY] * (MAX_ACTIVE - 1))
    assert len(secrets) == MAX_ACTIVE

    with pytest.raises(
        InvalidSubscription, match="10 sign already, at most 10; the next ends at 2026"
    ):
        rotate(secrets, NEW, now=NOON + 9 * HOUR, overlap_seconds=DAY)
    assert rotate(secrets, NEW, now=NOON + 9 * HOUR, overlap_seconds=0) == (NEW,)
    assert len(rotate(secrets, NEW, now=NOON + 25 * HOUR, overlap_seconds=DAY)) == MAX_ACTIVE - 1


@given(st.lists(st.tuples(st.integers(0, 3 * DAY), st.integers(0, 3 * DAY)), max_size=30))
def test_after_any_rotations_only_the_newest_has_no_end_and_ten_at_most_are_active(
    rotations: list[tuple[int, int]],
):
    secrets, now = (OLD,), NOON
    for pause, overlap in rotations:
        now += pause
        try:
            secrets = rotate(secrets, NEW, now=now, overlap_seconds=overlap)
        except InvalidSubscription:
            assert len(active(secrets, now)) == MAX_ACTIVE

        assert [secret.expires_at for secret in secrets].index(None) == 0
        assert sum(secret.expires_at is None for secret in secrets) == 1
        assert len(active(secrets, now)) <= MAX_ACTIVE


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
def test_an_invalid_span_is_refused_by_its_name(text: str):
    with pytest.raises(
        InvalidInput, match=r"overlap: .* is not a duration such as 45s, 30m, 24h, 7d or 0"
    ):
        parse_duration(text, what="overlap", longest=30 * DAY)


def test_a_span_of_time_has_a_bound():
    with pytest.raises(InvalidInput, match="overlap: 31d is more than 30d"):
        parse_duration("31d", what="overlap", longest=30 * DAY)
