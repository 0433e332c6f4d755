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
    """Takes batches, or is away."""

    def __init__(self, *, is_away: bool = False) -> None:
        self.is_away, self.was_asked = is_away, Signal()
        self.ids: list[str] = []

    def send_message_batch(self, *, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803  boto3's words
        self.was_asked.set()
        if self.is_away:
            raise EndpointConnectionError(endpoint_url=QueueUrl)
        self.ids += [entry["MessageDeduplicationId"] for entry in Entries]
        return {}

    def of(self, pipeline: str) -> list[str]:
        return [one for one in self.ids if one.startswith(f"{pipeline}-")]


def opened(path: Path, sqs: FakeSqs, **options: int) -> SpooledPublisher:
    return SpooledPublisher(URL, path, sqs, **options)  # type: ignore[arg-type]


def events_of(pipeline: str, numbers: range) -> list[Event]:
    return [an_event(pipeline_id=pipeline, event_id=f"{pipeline}-{n}") for n in numbers]
