"""Path of an event without what Lakehook adds: the least that the same cloud could do."""

import time
from collections.abc import Callable
from threading import Event, Thread
from typing import Any, Self

import requests

from lakehook.adapters.dynamodb.items import to_item
from local.installation import LocalLakehook

LONG_POLL_SECONDS = 1


class BarePath:
    """Context manager: inside, what is sent comes out as a POST, two queues later."""

    def __init__(self, lakehook: LocalLakehook, url: str) -> None:
        self._client, self._tables = lakehook.client, lakehook.deployment
        self._first, self._second = (self._queue(f"bare-{n}.fifo") for n in (1, 2))
        self._url, self._session, self._over = url, requests.Session(), Event()
        self._hops = [
            Thread(target=self._poll, args=(self._first, self._write)),
            Thread(target=self._poll, args=(self._second, self._post)),
        ]

    def __enter__(self) -> Self:
        for hop in self._hops:
            hop.start()
        self._sqs = self._client("sqs")
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for hop in self._hops:
            hop.join()
        self._session.close()

    def send(self, body: str) -> None:
        self._send(self._sqs, self._first, body)

    def _queue(self, name: str) -> str:
        attributes = {"FifoQueue": "true", "ContentBasedDeduplication": "true"}
        sqs = self._client("sqs")
        return str(sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"])

    def _send(self, sqs: Any, url: str, body: str) -> None:
        sqs.send_message(QueueUrl=url, MessageBody=body, MessageGroupId="bare")

    def _poll(self, url: str, work: Callable[[Any, Any, str], None]) -> None:
        """Process each message, then delete it, as an event source mapping does."""
        sqs, dynamodb = self._client("sqs"), self._client("dynamodb")
        while not self._over.is_set():
            answer = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=LONG_POLL_SECONDS)
            for message in answer.get("Messages", []):
                work(sqs, dynamodb, message["Body"])
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])

    def _write(self, sqs: Any, dynamodb: Any, body: str) -> None:
        item = to_item({"pipeline_id": "bare", "record": str(time.time()), "sequence": 1})
        dynamodb.put_item(TableName=self._tables.pipelines_table, Item=item)
        self._send(sqs, self._second, body)

    def _post(self, _sqs: Any, dynamodb: Any, body: str) -> None:
        key = to_item({"lane": "bare#1", "record": "lane"})
        request: Any = {self._tables.deliveries_table: {"Keys": [key], "ConsistentRead": True}}
        dynamodb.batch_get_item(RequestItems=request)
        self._session.post(self._url, data=body, timeout=10)
