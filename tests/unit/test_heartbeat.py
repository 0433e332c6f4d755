"""A batch is invisible while its worker lives, and for seconds after it has crashed."""

from dataclasses import dataclass, field
from threading import Event
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from lakehook.adapters.sqs.deliveries import VISIBLE_AFTER_SECONDS, SqsHeartbeat
from lakehook.ports.queues import EventMessage

MESSAGES = [EventMessage(f"m{n}", f"{n}", "{}", f"receipt-{n}", 1) for n in range(2)]
PATIENCE = 120.0


@dataclass
class FakeSqs:
    """Knows the calls; ``beats`` is set once there were so many."""

    enough: int = 1
    error: Exception | None = None
    calls: list[dict[str, Any]] = field(default_factory=list)
    beats: Event = field(default_factory=Event)

    def change_message_visibility_batch(self, **call: Any) -> None:
        self.calls.append(call)
        if len(self.calls) >= self.enough:
            self.beats.set()
        if self.error:
            raise self.error


def beating(sqs: FakeSqs) -> SqsHeartbeat:
    return SqsHeartbeat(sqs, "https://events", interval_seconds=0.001)  # type: ignore[arg-type]


def test_the_messages_of_a_batch_are_hidden_for_seconds() -> None:
    sqs = FakeSqs()

    with beating(sqs)(MESSAGES):
        assert sqs.beats.wait(PATIENCE)

    assert sqs.calls[0] == {
        "QueueUrl": "https://events",
        "Entries": [
            {
                "Id": str(n),
                "ReceiptHandle": f"receipt-{n}",
                "VisibilityTimeout": VISIBLE_AFTER_SECONDS,
            }
            for n in range(2)
        ],
    }


def test_it_goes_on_beating_while_the_batch_takes_long_whatever_sqs_says() -> None:
    sqs = FakeSqs(enough=3, error=EndpointConnectionError(endpoint_url="https://sqs"))

    with beating(sqs)(MESSAGES):
        assert sqs.beats.wait(PATIENCE)


def test_a_crash_ends_it_and_is_not_hidden() -> None:
    sqs = FakeSqs()
    heartbeat = SqsHeartbeat(sqs, "https://events", interval_seconds=PATIENCE)  # type: ignore[arg-type]

    def crash() -> None:
        with heartbeat(MESSAGES):
            assert sqs.beats.wait(PATIENCE)
            raise MemoryError

    with pytest.raises(MemoryError):
        crash()
    assert len(sqs.calls) == 1
