"""The same two hops by functions: what a runtime that invokes adds to them, by itself."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import requests

from lakehook.adapters.dynamodb.items import to_item
from local.account import arn
from local.function import Function, Host
from local.installation import LocalLakehook
from local.provision import FunctionSpec, MappingSpec
from local.triggers import EventSourceMapping

SEQUENCE = {"pipeline_id": "bare", "sequence": 1}
LANE = {"lane": "bare#1", "record": "lane"}


def write(event: Mapping[str, Any], context: Any) -> None:
    """Handle a batch: write an item, and send on to the next queue."""
    for record in event["Records"]:
        item = to_item({**SEQUENCE, "record": context.aws_request_id})
        _client("dynamodb").put_item(TableName=_setting("TABLE"), Item=item)
        _client("sqs").send_message(
            QueueUrl=_setting("QUEUE"), MessageBody=record["body"], MessageGroupId="bare"
        )


def post(event: Mapping[str, Any], _: Any) -> None:
    """Handle a batch: read an item, and post the webhook."""
    for record in event["Records"]:
        request = {_setting("TABLE"): {"Keys": [to_item(LANE)], "ConsistentRead": True}}
        _client("dynamodb").batch_get_item(RequestItems=request)
        _session().post(_setting("URL"), data=record["body"], timeout=10)


@contextmanager
def bare_functions(lakehook: LocalLakehook, url: str, *, sink: int) -> Iterator[str]:
    """Yield the queue that they begin at."""
    tables, sqs = lakehook.deployment, lakehook.client("sqs")
    first, second = (_queue(sqs, f"bare-function-{n}.fifo") for n in (1, 2))
    hops = (
        (first, "write", {"TABLE": tables.pipelines_table, "QUEUE": second}),
        (second, "post", {"TABLE": tables.deliveries_table, "URL": url}),
    )
    host = Host(endpoint_url=lakehook.endpoint_url, sink=sink)
    functions = [Function(_spec(name, environment), host) for _, name, environment in hops]
    mappings = [
        EventSourceMapping(_mapping(queue, name), function.invoke, concurrency=1)
        for (queue, name, _), function in zip(hops, functions, strict=True)
    ]
    for function, mapping in zip(functions, mappings, strict=True):
        function.start()
        mapping.start()
    try:
        yield first
    finally:
        for function, mapping in zip(functions, mappings, strict=True):
            mapping.stop()
            function.close()


def _queue(sqs: Any, name: str) -> str:
    attributes = {"FifoQueue": "true", "ContentBasedDeduplication": "true"}
    return str(sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"])


def _spec(name: str, environment: Mapping[str, str]) -> FunctionSpec:
    handler = f"bench.{Path(__file__).stem}.{name}"
    return FunctionSpec(
        name=name, handler=handler, environment=environment, timeout_seconds=10, memory_mb=512
    )


def _mapping(queue: str, name: str) -> MappingSpec:
    return MappingSpec(
        queue_url=queue,
        queue_arn=arn("sqs", name),
        function=name,
        batch_size=10,
        maximum_concurrency=1,
        reports_failures=False,
    )


def _setting(name: str) -> str:
    return os.environ[name]


@cache
def _client(service: str) -> Any:
    return boto3.client(service)  # type: ignore[call-overload]


@cache
def _session() -> requests.Session:
    return requests.Session()
