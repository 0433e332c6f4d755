"""The embedded cloud's HTTP keeps a connection open, whatever was sent over it."""

import json
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import pytest

from local.cloud import Cloud

LARGEST_MESSAGE = 1024 * 1024


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with Cloud() as cloud:
        yield cloud


class Connection:
    """One TCP connection to the cloud, over which SQS is asked in its JSON protocol."""

    def __init__(self, cloud: Cloud) -> None:
        address = urlsplit(cloud.endpoint_url)
        self.http = HTTPConnection(str(address.hostname), address.port, timeout=120)
        self.http.connect()
        self.socket = self.http.sock

    def ask(self, operation: str, *, chunks: int = 0, **parameters: Any) -> dict[str, Any]:
        status, body = self.post(json.dumps(parameters).encode(), operation, chunks=chunks)
        assert status == 200, body
        answer: dict[str, Any] = json.loads(body)
        return answer

    def post(self, body: bytes, operation: str, *, chunks: int = 0) -> tuple[int, bytes]:
        size = -(-len(body) // chunks) if chunks else 0
        parts = (body[start : start + size] for start in range(0, len(body), size or len(body)))
        self.http.request(
            "POST",
            "/",
            parts if chunks else body,
            {
                "content-type": "application/x-amz-json-1.0",
                "x-amz-target": f"AmazonSQS.{operation}",
                "authorization": "AWS4-HMAC-SHA256 "
                "Credential=anyone/20260101/us-east-1/sqs/aws4_request",
            },
            encode_chunked=bool(chunks),
        )
        answer = self.http.getresponse()
        return answer.status, answer.read()

    @property
    def is_the_first(self) -> bool:
        """Whether the connection that was opened at first still serves."""
        return self.http.sock is self.socket


@pytest.fixture
def connection(cloud: Cloud) -> Iterator[Connection]:
    connection = Connection(cloud)
    yield connection
    connection.http.close()


def test_one_connection_serves_one_request_after_another(connection: Connection):
    url = connection.ask("CreateQueue", QueueName="events")["QueueUrl"]

    assert connection.ask("ListQueues")["QueueUrls"] == [url]
    assert connection.ask("ListQueues")["QueueUrls"] == [url]
    assert connection.is_the_first


def test_an_error_leaves_the_connection_open(connection: Connection):
    status, body = connection.post(b'{"QueueName": "nobodys"}', "GetQueueUrl")

    assert (status, b"QueueDoesNotExist" in body) == (400, True)
    assert connection.ask("ListQueues") == {}
    assert connection.is_the_first


@pytest.mark.parametrize("chunks", [1, 7])
def test_a_chunked_request_is_read_to_its_end(connection: Connection, chunks: int):
    url = connection.ask("CreateQueue", QueueName="events", chunks=chunks)["QueueUrl"]

    assert connection.ask("ListQueues")["QueueUrls"] == [url]
    assert connection.is_the_first


@pytest.mark.parametrize("chunks", [0, 50])
def test_a_large_body_arrives_whole_and_comes_back_whole(connection: Connection, chunks: int):
    url = connection.ask("CreateQueue", QueueName="events")["QueueUrl"]
    body = "0123456789abcdef" * (LARGEST_MESSAGE // 16)

    connection.ask("SendMessage", QueueUrl=url, MessageBody=body, chunks=chunks)

    (message,) = connection.ask("ReceiveMessage", QueueUrl=url)["Messages"]
    assert message["Body"] == body
    assert connection.is_the_first
