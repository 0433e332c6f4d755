import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehook.domain.errors import BadSubscription
from lakehook.domain.event import EventType
from lakehook.domain.subscription import (
    MAX_HEADER_BYTES,
    Signing,
    checked_deadline,
    checked_event_types,
    checked_headers,
    checked_name,
    checked_signing,
    rfc_3339,
)
from tests.builders import a_subscription
from tests.fakes import NOON

PIPELINE_EVENTS = {one for one in EventType if one.startswith("PIPELINE_")}


def wanted(*names: EventType) -> set[EventType]:
    return {one for one in EventType if a_subscription(event_types=names).wants(one)}


def test_who_names_no_events_wants_those_of_pipelines():
    assert wanted() == PIPELINE_EVENTS


def test_who_names_events_wants_them_and_no_others():
    named = (EventType.PIPELINE_FAILED, EventType.TASK_FAILED)

    assert wanted(*named) == set(named)


def test_a_tombstone_knows_what_it_was_and_none_of_the_secrets():
    subscription = a_subscription(
        sealed_secrets=(b"sealed",), sealed_headers=b"sealed", header_names=("authorization",)
    )

    tombstone = subscription.removed(at=NOON)

    assert tombstone == a_subscription(removed_at="2026-01-01T12:00:00.000+00:00")
    assert "sealed'" not in repr(tombstone)


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (NOON, "2026-01-01T12:00:00.000+00:00"),
        (NOON + 0.0625, "2026-01-01T12:00:00.062+00:00"),
        (0, "1970-01-01T00:00:00.000+00:00"),
    ],
)
def test_a_time_is_written_as_rfc_3339_with_milliseconds(at: float, text: str):
    assert rfc_3339(at) == text


@pytest.mark.parametrize("name", ["a", "湖 and more", "é" * 100])
def test_a_name_is_a_line_of_text(name: str):
    assert checked_name(name) == name


@pytest.mark.parametrize("name", ["", " ", " a", "a ", "a\nb", "a\x1b[2J", "\u202ea", "a" * 101])
def test_a_name_that_is_none_is_refused(name: str):
    with pytest.raises(BadSubscription, match="name: not 1 to 100 printable characters"):
        checked_name(name)


def test_event_types_are_known_ones_each_once_as_first_named():
    names = ["TASK_FAILED", "PIPELINE_FAILED", "TASK_FAILED"]

    assert checked_event_types(names) == (EventType.TASK_FAILED, EventType.PIPELINE_FAILED)


@pytest.mark.parametrize("name", ["", "pipeline_failed", "PIPELINE", "PIPELINE_EXPLODED", "湖"])
def test_an_unknown_event_type_is_refused_with_the_known_ones(name: str):
    with pytest.raises(BadSubscription, match=r"is none of PIPELINE_CREATED, .*TASK_CANCELLED"):
        checked_event_types(["PIPELINE_FAILED", name])


def test_a_way_of_signing_is_a_known_one():
    assert checked_signing("hmac") is Signing.HMAC
    with pytest.raises(BadSubscription, match="'none' is none of hmac"):
        checked_signing("none")


@pytest.mark.parametrize("seconds", [1, 2.5, 20])
def test_a_deadline_is_of_1_to_20_seconds(seconds: float):
    assert checked_deadline(seconds) == seconds


@pytest.mark.parametrize("seconds", [0, 0.99, 20.01, -1, float("nan"), float("inf")])
def test_a_deadline_out_of_bounds_is_refused(seconds: float):
    with pytest.raises(BadSubscription, match="is not within 1 to 20 s"):
        checked_deadline(seconds)


# --- headers ---


def test_headers_are_read_with_their_names_in_lower_case():
    lines = ["X-Team: lake", "Authorization:Bearer a:b=", "x-empty:", "x-tab: a\tb \t"]

    assert checked_headers(lines) == {
        "x-team": "lake",
        "authorization": "Bearer a:b=",
        "x-empty": "",
        "x-tab": "a\tb",
    }


@pytest.mark.parametrize(
    "line",
    ["", ":", ": s3cret", "s3cret", "a b: s3cret", "a\r\nb: s3cret", "ä: s3cret", "a(b): s3cret"],
)
def test_a_line_that_is_no_header_is_refused_and_not_repeated(line: str):
    with pytest.raises(BadSubscription, match="not 'Name: value'") as bad:
        checked_headers([line])

    assert "s3cret" not in str(bad.value)


@pytest.mark.parametrize(
    "value",
    ["s3cret\r\nhost: evil.example", "s3cret\n", "s3cret\x00", "s3cretä", "s3cret湖", "s3cret\x7f"],
)
def test_a_value_that_could_break_a_request_is_refused_and_not_repeated(value: str):
    with pytest.raises(BadSubscription, match="the value of x-a is not printable ASCII") as bad:
        checked_headers([f"x-a: {value}"])

    assert "s3cret" not in str(bad.value)


@pytest.mark.parametrize(
    "name",
    [
        "Host",
        "Content-Length",
        "content-type",
        "Connection",
        "Transfer-Encoding",
        "TE",
        "Trailer",
        "Upgrade",
        "Expect",
        "Cookie",
        "User-Agent",
        "Keep-Alive",
        "Accept-Encoding",
        "Content-Encoding",
        "Proxy-Authorization",
        "Webhook-Id",
        "webhook-signature",
        "WEBHOOK-TIMESTAMP",
        "X-Amz-Date",
    ],
)
def test_what_the_sender_says_itself_is_refused(name: str):
    with pytest.raises(BadSubscription, match="is the sender's own"):
        checked_headers([f"{name}: 1"])


def test_a_header_given_twice_is_refused():
    with pytest.raises(BadSubscription, match="x-a is given twice"):
        checked_headers(["x-a: 1", "X-A: 2"])


def test_headers_are_bounded_in_number_and_size():
    assert len(checked_headers([f"x-{n}: 1" for n in range(20)])) == 20
    with pytest.raises(BadSubscription, match="21 headers"):
        checked_headers([f"x-{n}: 1" for n in range(21)])
    with pytest.raises(BadSubscription, match=f"at most 20 of {MAX_HEADER_BYTES} bytes"):
        checked_headers([f"x-{n}: {'v' * 1000}" for n in range(5)])


@given(st.lists(st.text(max_size=40) | st.from_regex(r"[a-z-]{1,8}: ?[ -~]{0,8}\Z"), max_size=4))
def test_any_lines_are_headers_that_break_no_request_or_a_bad_subscription(lines: list[str]):
    try:
        headers = checked_headers(lines)
    except BadSubscription:
        return

    assert all(name.isascii() and name == name.lower() for name in headers)
    assert not any(set("\r\n\0") & set(value) for value in headers.values())
