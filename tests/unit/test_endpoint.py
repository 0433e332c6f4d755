import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehook.domain.address import parse_networks
from lakehook.domain.endpoint import Endpoint
from lakehook.domain.errors import BadEndpoint

OPENED = parse_networks(["10.2.0.0/16"])
PUBLIC, PRIVATE, INSIDE = "8.8.8.8", "192.168.0.1", "10.2.0.1"


# --- spelling ---


@pytest.mark.parametrize(
    ("url", "scheme", "host", "port", "host_header"),
    [
        ("https://ci.example", "https", "ci.example", 443, "ci.example"),
        ("https://ci.example/hook?a=1", "https", "ci.example", 443, "ci.example"),
        ("HTTPS://CI.Example/Hook", "https", "ci.example", 443, "ci.example"),
        ("https://ci.example:/", "https", "ci.example", 443, "ci.example"),
        ("https://ci.example:443/", "https", "ci.example", 443, "ci.example"),
        ("https://ci.example:8443/", "https", "ci.example", 8443, "ci.example:8443"),
        ("https://ci.example:0/", "https", "ci.example", 0, "ci.example:0"),
        ("http://ci.example/", "http", "ci.example", 80, "ci.example"),
        ("http://ci.example:443/", "http", "ci.example", 443, "ci.example:443"),
        ("https://xn--4gq.example/", "https", "xn--4gq.example", 443, "xn--4gq.example"),
        ("https://8.8.8.8/", "https", "8.8.8.8", 443, "8.8.8.8"),
        ("https://[2606:4700::1111]/", "https", "2606:4700::1111", 443, "[2606:4700::1111]"),
        ("https://[::1]:8443/", "https", "::1", 8443, "[::1]:8443"),
        ("https://ci.example/%E6%B9%96?q=%20@:", "https", "ci.example", 443, "ci.example"),
        ("https://ci.example/@me", "https", "ci.example", 443, "ci.example"),
    ],
)
def test_a_url_is_read(url: str, scheme: str, host: str, port: int, host_header: str):
    endpoint = Endpoint.parse(url)

    assert endpoint == Endpoint(url, scheme, host, port)
    assert endpoint.host_header == host_header


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("", "printable ASCII"),
        (" https://ci.example/", "printable ASCII"),
        ("https://ci.example/a b", "printable ASCII"),
        ("https://ci.example/\r\nhost: evil", "printable ASCII"),
        ("https://ci.example/\n", "printable ASCII"),
        ("https://ci.example/\x00", "printable ASCII"),
        ("https://湖.example/", "printable ASCII"),
        ("https://ci.example\uff0fevil/", "printable ASCII"),
        ("https://ci.example:\u0664/", "printable ASCII"),
        ("https://ci.example/" + "a" * 2048, "2048"),
        ("ci.example/hook", "not https://host/path"),
        ("//ci.example/hook", "not https://host/path"),
        ("ftp://ci.example/", "not https://host/path"),
        ("file:///etc/passwd", "not https://host/path"),
        ("javascript:alert(1)", "not https://host/path"),
        ("https:ci.example", "not https://host/path"),
        ("https:/ci.example", "not https://host/path"),
        ("https:///hook", "not https://host/path"),
        ("https://:443/", "not https://host/path"),
        ("https://ci.example:65536/", "out of range"),
        ("https://ci.example:-1/", "Port could not be cast"),
        ("https://ci.example:+443/", "Port could not be cast"),
        ("https://ci.example:4_3/", "Port could not be cast"),
        ("https://ci.example:443:8443/", "Port could not be cast"),
        ("https://[::1/", "url: "),
        ("https://[ci.example]/", "url: "),
        ("https://[8.8.8.8]/", "url: "),
        ("https://me@ci.example/", "holds credentials"),
        ("https://me:pw@ci.example/", "holds credentials"),
        ("https://:@ci.example/", "holds credentials"),
        ("https://@ci.example/", "holds credentials"),
        ("https://8.8.8.8\\@ci.example/", "holds credentials"),
        ("https://ci.example/#part", "fragment"),
    ],
)
def test_a_url_that_is_none_is_refused_with_the_reason(url: str, complaint: str):
    with pytest.raises(BadEndpoint, match=re.escape(complaint)):
        Endpoint.parse(url)


@given(st.text() | st.text("https:/[]@#?.%\\0123456789abc").map("https://".__add__))
def test_any_text_is_an_endpoint_or_a_bad_one(text: str):
    try:
        endpoint = Endpoint.parse(text)
    except BadEndpoint:
        return

    assert endpoint.host
    assert endpoint.host_header


# --- judging ---


def judged(url: str, *addresses: str) -> None:
    Endpoint.parse(url).judge(addresses, opened=OPENED)


@pytest.mark.parametrize(
    ("url", "addresses"),
    [
        ("https://ci.example/", [PUBLIC]),
        ("https://ci.example/", [PUBLIC, "2606:4700::1111"]),
        ("https://ci.example:8443/", [PUBLIC]),
        ("https://ci.example/", [PUBLIC, INSIDE]),
        ("http://ci.example/", [INSIDE]),
        ("http://ci.example:9000/", [INSIDE, "::ffff:10.2.0.2"]),
        ("https://ci.example:0/", [INSIDE]),
        ("https://ci.example/", []),
    ],
)
def test_an_endpoint_may_be_called(url: str, addresses: list[str]):
    judged(url, *addresses)


@pytest.mark.parametrize(
    ("url", "addresses", "complaint"),
    [
        ("https://ci.example/", [PRIVATE], "192.168.0.1 is never called: private"),
        ("https://ci.example/", [PUBLIC, PRIVATE], "192.168.0.1 is never called"),
        ("https://ci.example/", [PRIVATE, PUBLIC], "192.168.0.1 is never called"),
        ("https://ci.example/", [INSIDE, PRIVATE], "192.168.0.1 is never called"),
        ("http://ci.example/", [INSIDE, PRIVATE], "192.168.0.1 is never called"),
        ("http://ci.example/", [PUBLIC], "only https"),
        ("http://ci.example:443/", [PUBLIC], "only https"),
        ("http://ci.example/", [PUBLIC, INSIDE], "only https"),
        ("http://ci.example/", [], "only https"),
        ("https://ci.example:0/", [PUBLIC], "port 0 is neither 443 nor 8443"),
        ("https://ci.example:80/", [PUBLIC], "port 80 is neither"),
        ("https://ci.example:22/", [PUBLIC], "port 22 is neither"),
        ("https://ci.example:9001/", [PUBLIC, INSIDE], "port 9001 is neither"),
        ("https://ci.example:9001/", [], "port 9001 is neither"),
    ],
)
def test_an_endpoint_may_not_be_called(url: str, addresses: list[str], complaint: str):
    with pytest.raises(BadEndpoint, match=re.escape(complaint)):
        judged(url, *addresses)


# --- showing ---


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://ci.example/hook", "https://ci.example/hook"),
        ("https://ci.example/hook?key=s3cret", "https://ci.example/hook?key=…"),
        ("https://ci.example/?a=s3cret&b=s3cret=s3cret", "https://ci.example/?a=…&b=…"),
        ("https://ci.example/?s3cret", "https://ci.example/?…"),
        ("https://ci.example/?a=&s3cret&=s3cret", "https://ci.example/?a=…&…&=…"),
        ("https://ci.example/?a=1;b=s3cret?c=s3cret", "https://ci.example/?a=…"),
    ],
)
def test_of_a_query_only_the_names_are_shown(url: str, shown: str):
    assert Endpoint.parse(url).shown == shown
