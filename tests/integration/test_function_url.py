"""A function's URL on the laptop speaks as Lambda's does: payload format 2.0, loopback only."""

import http.client
import json
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from local.function_url import FunctionUrl
from local.runtime_api import InvocationFailure, InvocationResult, Result
from tests.outside import OUTSIDE

RECORDED: list[dict[str, Any]] = json.loads(
    (OUTSIDE / "aws_lambda" / "function_url.json").read_text(encoding="utf-8")
)
ANSWER = {"statusCode": 202, "headers": {"x-made-by": "the function"}, "body": "taken"}


class Function:
    """A function that returns the given result, and keeps the events."""

    def __init__(self) -> None:
        self.events: list[Mapping[str, Any]] = []
        self.result: Result = InvocationResult(json.dumps(ANSWER).encode())

    def __call__(self, event: Mapping[str, Any]) -> Result:
        self.events.append(json.loads(json.dumps(event)))
        return self.result


@pytest.fixture
def function() -> Function:
    return Function()


@pytest.fixture
def function_url(function: Function) -> Iterator[FunctionUrl]:
    with FunctionUrl() as function_url:
        function_url.to(function).start()
        yield function_url
        function_url.stop()


@dataclass(frozen=True)
class Response:
    status: int
    headers: Mapping[str, str]
    body: bytes


def call(
    function_url: FunctionUrl, method: str, path: str, body: bytes = b"", content_type: str = ""
) -> Response:
    connection = http.client.HTTPConnection("127.0.0.1", function_url.server_port, timeout=120)
    connection.request(method, path, body, {"content-type": content_type})
    response = connection.getresponse()
    answer = Response(response.status, dict(response.getheaders()), response.read())
    connection.close()
    return answer


def test_a_request_is_an_event_and_the_answer_goes_back(
    function_url: FunctionUrl, function: Function
) -> None:
    response = call(
        function_url, "POST", "/a%20b?x=1&y=", "湖".encode(), content_type="application/json"
    )

    (event,) = function.events
    assert event["version"] == "2.0"
    assert (event["rawPath"], event["rawQueryString"]) == ("/a%20b", "x=1&y=")
    assert event["requestContext"]["http"]["method"] == "POST"
    assert event["requestContext"]["http"]["sourceIp"] == "127.0.0.1"
    assert (event["body"], event["isBase64Encoded"]) == ("湖", False)
    assert event["headers"]["content-type"] == "application/json"
    assert (response.status, response.headers["x-made-by"]) == (202, "the function")
    assert response.body == b"taken"


@pytest.mark.parametrize("recorded", RECORDED, ids=lambda recorded: recorded["test"])
def test_a_request_is_the_event_that_was_recorded(
    function_url: FunctionUrl, function: Function, recorded: dict[str, Any]
) -> None:
    body = recorded["body"].encode()

    call(function_url, recorded["method"], recorded["target"], body, recorded["content_type"])

    (event,) = function.events
    assert event["requestContext"]["http"]["path"] == event["rawPath"] == recorded["path"]
    assert event["queryStringParameters"] == recorded["parameters"]
    assert event["body"] == recorded["body"]


def test_a_binary_body_is_passed_in_base64(function_url: FunctionUrl, function: Function) -> None:
    call(function_url, "PUT", "/", b"\xff\x00", content_type="application/octet-stream")

    (event,) = function.events
    assert (event["body"], event["isBase64Encoded"]) == ("/wA=", True)


def test_a_response_in_base64_is_sent_decoded(
    function_url: FunctionUrl, function: Function
) -> None:
    answer = {"statusCode": 200, "body": "/wA=", "isBase64Encoded": True}
    function.result = InvocationResult(json.dumps(answer).encode())

    assert call(function_url, "GET", "/").body == b"\xff\x00"


def test_a_function_that_fails_is_a_bad_gateway(
    function_url: FunctionUrl, function: Function
) -> None:
    function.result = InvocationFailure("Sandbox.Timedout", "Task timed out")

    assert call(function_url, "POST", "/").status == 502


def test_more_than_lambda_takes_is_refused_unread(
    function_url: FunctionUrl, function: Function
) -> None:
    with socket.create_connection(("127.0.0.1", function_url.server_port), timeout=120) as caller:
        caller.sendall(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 6291457\r\n\r\n")
        answer = caller.recv(1000)

    assert answer.startswith(b"HTTP/1.1 413 ")
    assert function.events == []


def test_only_this_machine_can_call(function_url: FunctionUrl) -> None:
    with socket.create_server(("127.0.0.2", function_url.server_port)):
        pass  # had it listened on every address, this one would be taken


def test_a_path_comes_as_it_was_sent(function_url: FunctionUrl, function: Function):
    """``//staging`` is no path of the ingress, and must not seem to be one on the laptop."""
    call(function_url, "POST", "//staging?a=1")

    (event,) = function.events
    assert (event["rawPath"], event["rawQueryString"]) == ("//staging", "a=1")
    assert event["requestContext"]["http"]["path"] == "//staging"
