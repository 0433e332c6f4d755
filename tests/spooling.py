"""A spooled publisher, and the queue that it sends to."""

from pathlib import Path
from threading import Event as Signal
from typing import Any

from botocore.exceptions import EndpointConnectionError

from lakehook.domain.event import Event
from lakehook.producer import SpooledPublisher
from tests.builders import an_event

URL = "https://sqs.example/events.fifo"


class FakeSqs:
    """A queue that takes batches, or cannot be reached."""

    def __init__(self, *, is_away: bool = False) -> None:
        self.is_away, self.was_called = is_away, Signal()
        self.ids: list[str] = []

    def send_message_batch(self, *, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803  boto3's words
        self.was_called.set()
        if self.is_away:
            raise EndpointConnectionError(endpoint_url=QueueUrl)
        self.ids += [entry["MessageDeduplicationId"] for entry in Entries]
        return {}

    def ids_of(self, pipeline: str) -> list[str]:
        return [event_id for event_id in self.ids if event_id.startswith(f"{pipeline}-")]


def open_publisher(path: Path, sqs: FakeSqs, **options: int) -> SpooledPublisher:
    return SpooledPublisher(URL, path, sqs, **options)  # type: ignore[arg-type]


def make_events(pipeline: str, numbers: range) -> list[Event]:
    return [an_event(pipeline_id=pipeline, event_id=f"{pipeline}-{n}") for n in numbers]
