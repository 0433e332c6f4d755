"""Requests and responses over HTTP, against real servers on loopback."""

from pathlib import Path

import pytest

from lakehook.adapters.http.client import HttpTransport
from lakehook.domain.attempt import Response
from tests.integration.posting import OK, a_receiver, a_request
from tests.integration.wire import answer, serving


def test_the_very_bytes_are_posted_with_the_headers_given(receiver: HttpTransport):
    body = '{"湖":  "\\u00e9" }'.encode()

    with serving(OK) as wire:
        receiver.send(a_request(wire.url, body, **{"webhook-id": "a#1#1"}))

    head, _, sent_body = wire.requests[0].partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert sent_body == body
    assert lines[0] == b"POST /hook?key=s3cret HTTP/1.1"
    assert f"host: 127.0.0.1:{wire.port}".encode() in lines
    assert b"webhook-id: a#1#1" in lines
    assert b"content-type: application/json" in lines


@pytest.mark.parametrize(
    ("url_path", "target"),
    [
        ("", "/"),
        ("/", "/"),
        ("?a=1", "/?a=1"),
        ("/?", "/?"),
        ("/a/../b//c/./d", "/a/../b//c/./d"),
        ("//evil.example/x", "//evil.example/x"),
        ("/%7ea%2Fb?q=%20%3D", "/%7ea%2Fb?q=%20%3D"),
        ("/a;b=c,d?e=f;g&h=i=j/k?l", "/a;b=c,d?e=f;g&h=i=j/k?l"),
        ('/a"b<c>|^`{d}\\e', "/a%22b%3Cc%3E%7C%5E%60%7Bd%7D%5Ce"),
        ("/http://evil.example/@x:1", "/http://evil.example/@x:1"),
    ],
)
def test_the_path_and_the_query_are_sent_as_they_are_written(
    receiver: HttpTransport, url_path: str, target: str
):
    with serving(OK) as wire:
        receiver.send(a_request(f"http://127.0.0.1:{wire.port}{url_path}"))

    assert wire.requests[0].startswith(f"POST {target} HTTP/1.1\r\n".encode())


def test_an_answer_is_its_status_its_headers_in_lower_case_and_its_body(receiver: HttpTransport):
    with serving(answer("500 Oh", b"broken\xff", "Retry-After: 7")) as wire:
        result = receiver.send(a_request(wire.url))

    assert isinstance(result, Response)
    assert (result.status, result.body) == (500, b"broken\xff")
    assert result.headers["retry-after"] == "7"


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See", "307 Temp", "308 Perm"])
def test_a_redirect_is_an_answer_and_is_not_followed(receiver: HttpTransport, status: str):
    with (
        serving(OK) as elsewhere,
        serving(answer(status, b"", f"location: {elsewhere.url}")) as wire,
    ):
        result = receiver.send(a_request(wire.url))

    assert isinstance(result, Response)
    assert result.status == int(status[:3])
    assert elsewhere.connections == 0


@pytest.mark.parametrize(
    "metadata",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://[fd00:ec2::254]/latest/api/token",
        "http://169.254.170.2/v2/credentials",
        "http://127.0.0.1:9001/2018-06-01/runtime/invocation/next",
        "//169.254.169.254/",
        "gopher://169.254.169.254:80/_",
    ],
)
def test_a_redirect_to_metadata_makes_no_request(metadata: str):
    with (
        a_receiver("127.0.0.1") as receiver,
        serving(answer("307 Temporary", b"", f"location: {metadata}")) as wire,
    ):
        result = receiver.send(a_request(f"http://ci.example:{wire.port}/"))

    assert isinstance(result, Response)
    assert (result.status, wire.connections) == (307, 1)


@pytest.mark.parametrize("interim", ["100 Continue", "102 Processing", "103 Early Hints"])
def test_an_answer_is_the_final_one(receiver: HttpTransport, interim: str):
    early = f"HTTP/1.1 {interim}\r\nlink: </a>\r\n\r\n".encode()

    with serving(early * 3 + answer("500 Oh", b"broken"), OK) as wire:
        statuses = [receiver.send(a_request(wire.url)).status for _ in range(2)]  # type: ignore[union-attr]
        receiver.close()

    assert statuses == [500, 200]


def test_a_cookie_is_never_sent_back(receiver: HttpTransport):
    with serving(answer("200 OK", b"", "set-cookie: track=me; path=/"), OK) as wire:
        receiver.send(a_request(wire.url))
        receiver.send(a_request(wire.url))
        receiver.close()

    assert b"cookie" not in wire.requests[1].lower()


def test_neither_proxies_nor_netrc_of_the_environment_have_a_say(
    receiver: HttpTransport, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    netrc = tmp_path / "netrc"
    netrc.write_text("default login me password s3cret\n")
    monkeypatch.setenv("NETRC", str(netrc))

    with serving(OK) as proxy, serving(OK) as wire:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        receiver.send(a_request(wire.url))

    assert (proxy.connections, wire.connections) == (0, 1)
    assert b"authorization" not in wire.requests[0].lower()
