import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehook.domain.errors import InvalidSubscription
from lakehook.domain.headers import MAX_HEADER_BYTES, parse_headers


def test_headers_are_read_with_their_names_in_lower_case():
    lines = ["X-Team: lake", "Authorization:Bearer a:b=", "x-empty:", "x-tab: a\tb \t"]

    assert parse_headers(lines) == {
        "x-team": "lake",
        "authorization": "Bearer a:b=",
        "x-empty": "",
        "x-tab": "a\tb",
    }


@pytest.mark.parametrize(
    "line",
    ["", ": s3cret", "\r\nx-a: s3cret", "x-a\n: s3cret", "s3cret", "a b: s3cret", "ä: s3cret"],
)
def test_a_line_that_is_no_header_is_refused_and_not_repeated(line: str):
    with pytest.raises(InvalidSubscription, match="not 'Name: value'") as bad:
        parse_headers([line])

    assert "s3cret" not in str(bad.value)


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        (("s3cret\r\nhost: evil.example", "s3cret\n", "\rs3cret"), "has a line break"),
        (("s3cret\x00", "s3cret\x7f", "s3cret\x0b"), "has a control character"),
        (("s3cretä", "s3cret湖", "s3cret\u2028", "s3cret\ud800"), "is not ASCII"),
    ],
)
def test_a_value_that_could_break_a_request_is_refused_and_not_repeated(
    values: tuple[str, ...], fault: str
):
    for value in values:
        with pytest.raises(InvalidSubscription, match=f"the value of x-a {fault}") as bad:
            parse_headers([f"x-a: {value}"])

        assert "s3cret" not in str(bad.value)


SENDERS_OWN = """
    Host Content-Length content-type Connection Transfer-Encoding TE Trailer Upgrade
    Expect Cookie Date User-Agent Keep-Alive Accept-Encoding Content-Encoding
    Proxy-Authorization Webhook-Id webhook-signature WEBHOOK-TIMESTAMP X-Amz-Date
    Lakehook-Inferred
"""


@pytest.mark.parametrize("name", SENDERS_OWN.split())
def test_a_header_of_the_sender_is_refused(name: str):
    with pytest.raises(InvalidSubscription, match="is the sender's own"):
        parse_headers([f"{name}: 1"])


def test_a_header_given_twice_is_refused():
    with pytest.raises(InvalidSubscription, match="x-a is given twice"):
        parse_headers(["x-a: 1", "X-A: 2"])


def test_headers_are_bounded_in_number_and_size():
    assert len(parse_headers([f"x-{n}: 1" for n in range(20)])) == 20
    with pytest.raises(InvalidSubscription, match="21 headers; at most 20"):
        parse_headers([f"x-{n}: 1" for n in range(21)])
    with pytest.raises(InvalidSubscription, match=f"bytes as JSON; at most {MAX_HEADER_BYTES}"):
        parse_headers([f"x-{n}: {'v' * 1000}" for n in range(5)])
    assert parse_headers([f"{'n' * 100}: 1"])
    with pytest.raises(InvalidSubscription, match="a name of 101 characters; at most 100"):
        parse_headers([f"{'n' * 101}: 1"])


@given(st.lists(st.text(max_size=40) | st.from_regex(r"[a-z-]{1,8}: ?[ -~]{0,8}\Z"), max_size=4))
def test_any_lines_are_headers_that_break_no_request_or_a_bad_subscription(lines: list[str]):
    try:
        headers = parse_headers(lines)
    except InvalidSubscription:
        return

    assert all(name.isascii() and name == name.lower() for name in headers)
    assert not any(set("\r\n\0") & set(value) for value in headers.values())
