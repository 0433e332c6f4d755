import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehook.domain.destination import Endpoint
from lakehook.domain.errors import InvalidEndpoint
from lakehook.domain.ssrf_policy import parse_networks

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
        ("https://ci.example./", "https", "ci.example.", 443, "ci.example."),
        ("https://a_b.example/", "https", "a_b.example", 443, "a_b.example"),
        ("https://ci.example:008443/", "https", "ci.example", 8443, "ci.example:8443"),
        ("https://" + "a" * 63 + "/", "https", "a" * 63, 443, "a" * 63),
        ("https://[::FFFF:127.0.0.1]/", "https", "::ffff:127.0.0.1", 443, "[::ffff:127.0.0.1]"),
    ],
)
def test_a_url_is_read(url: str, scheme: str, host: str, port: int, host_header: str):
    endpoint = Endpoint.parse(url)

    assert endpoint == Endpoint(url, scheme, host, port)
    assert endpoint.host_header == host_header


REFUSED = {  # some of which other parsers take for 8.8.8.8, or for the host after it, or a path
    "printable ASCII": "https://湖.example/ https://ci。example/ https://①②⑦.⓪.⓪.①/",
    "not https://host/path": """
        ci.example/hook //ci.example/hook ftp://ci.example/ file:///etc/passwd
        javascript:alert(1) https:ci.example https:/ci.example https:///hook https://:443/
        https:///8.8.8.8/
    """,
    "not a host and a port": """
        https://ci.example:65536/ https://ci.example:-1/ https://ci.example:+443/
        https://ci.example:4_3/ https://ci.example:443:8443/
    """,
    "url: ": """
        https://[::1/ https://[ci.example]/ https://[8.8.8.8]/ https://[::1]ci.example/
        https://ci.example[::1]/ https://[::1%25eth0]/ https://[fe80::1%25lo]/
        https://[v1.x]/
    """,
    "holds credentials": """
        https://me@ci.example/ https://me:pw@ci.example/ https://:@ci.example/
        https://@ci.example/
    """,
    "fragment": """
        https://169.254.169.254#@ci.example/ https://ci.example/#part https://ci.example/#
        https://ci.example#
    """,
    "is not a host name": """
        https://8.8.8.8;ci.example/ https://8.8.8.8,ci.example/
        https://8.8.8.8&ci.example/ https://%31%32%37.0.0.1/ https://ci%2eexample/
        https://.ci.example/ https://ci.example../ https://./ https://*.example/
    """,
    "ci..example is not a host name": "https://ci..example/",
}


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        *((url, complaint) for complaint, urls in REFUSED.items() for url in urls.split()),
        ("", "printable ASCII"),
        (" https://ci.example/", "printable ASCII"),
        ("https://ci.example/a b", "printable ASCII"),
        ("https://ci.example/\r\nhost: evil", "printable ASCII"),
        ("https://ci.example/\n", "printable ASCII"),
        ("https://ci.example/\x00", "printable ASCII"),
        ("https://ci.example\uff0fevil/", "printable ASCII"),
        ("https://ci.example:\u0664/", "printable ASCII"),
        ("https://ci.example/" + "a" * 2048, "2048"),
        ("https://8.8.8.8\\@ci.example/", "holds credentials"),
        ("https://8.8.8.8:80\\@ci.example/", "holds credentials"),
        ("https://8.8.8.8\\.ci.example/", "is not a host name"),
        ("https:\\\\8.8.8.8\\", "not https://host/path"),
        ("https://" + "a" * 64 + ".example/", "is not a host name"),
        ("https://" + "a." * 127 + "a/", "is not a host name"),
        ("https://ci.exa\tmple/", "printable ASCII"),
        ("https://ci.example/\t", "printable ASCII"),
        ("ht\ntps://ci.example/", "printable ASCII"),
    ],
)
def test_an_invalid_url_is_refused_with_the_reason(url: str, complaint: str):
    with pytest.raises(InvalidEndpoint, match=re.escape(complaint)):
        Endpoint.parse(url)


def test_an_invalid_port_is_not_repeated():
    """The text may be a password whose ``@`` was forgotten."""
    with pytest.raises(InvalidEndpoint) as refused:
        Endpoint.parse("https://me:s3cret/hook")

    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://ci.example", "/"),
        ("https://ci.example/", "/"),
        ("https://ci.example?a=1", "/?a=1"),
        ("https://ci.example/?", "/?"),
        ("https://ci.example//a/../b;c?d=/e?f", "//a/../b;c?d=/e?f"),
    ],
)
def test_the_target_is_the_path_and_the_query_as_written(url: str, target: str):
    assert Endpoint.parse(url).target == target


AUTHORITIES = st.text("https:/[]@#?.%\\0123456789abcxn-_;&\t ", max_size=40)


@given(st.text() | AUTHORITIES.map("https://".__add__))
def test_any_text_is_an_endpoint_or_a_bad_one(text: str):
    try:
        endpoint = Endpoint.parse(text)
    except InvalidEndpoint:
        return

    assert endpoint.host_header
    assert re.fullmatch(r"[a-z0-9_.-]+|[0-9a-f:.]+", endpoint.host)


@given(AUTHORITIES, st.sampled_from(["", ":443", ":8443"]), AUTHORITIES)
def test_the_host_is_all_that_stands_between_the_slashes_but_the_port(
    host: str, port: str, suffix: str
):
    """A parser must see no other host in the URL."""
    url = f"https://{host}{port}/{suffix}"
    try:
        endpoint = Endpoint.parse(url)
    except InvalidEndpoint:
        return

    authority = re.split("[/?]", url.removeprefix("https://"))[0]
    bracketed = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
    assert re.fullmatch(rf"{re.escape(bracketed)}(:[0-9]*)?", authority)


# --- judging ---


def judged(url: str, *addresses: str) -> None:
    Endpoint.parse(url).check_addresses(addresses, allowed_networks=OPENED)


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
    with pytest.raises(InvalidEndpoint, match=re.escape(complaint)):
        judged(url, *addresses)


def test_properties_of_an_endpoint_are_computed_once():
    endpoint = Endpoint.parse("https://ci.example/hook?key=1")

    assert endpoint.target is endpoint.target
