"""The model of a FIFO queue answers as recorded of Amazon SQS: see tests/outside/sqs."""

import json
from typing import Any

import pytest

from local.fifo import FifoQueue, QueueSettings, RedrivePolicy, SqsError
from tests.fakes import FakeClock
from tests.outside import OUTSIDE

RECORDED = (OUTSIDE / "sqs" / "fifo.json").read_text(encoding="utf-8")
HISTORIES: list[dict[str, Any]] = json.loads(RECORDED)


class HistoryReplay:
    """The queue of a history, and the receipts that it gave."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.clock = FakeClock()
        self.letters = FifoQueue(self.clock.now)
        limit = settings.pop("max_receive_count", None)
        redrive = RedrivePolicy(queue=self.letters, max_receive_count=limit) if limit else None
        self.queue = FifoQueue(self.clock.now, settings=QueueSettings(**settings, redrive=redrive))
        self.handles: dict[str, str] = {}

    def send(self, *bodies: str) -> None:
        for body in bodies:
            self.send_as(body, body)

    def send_as(self, deduplication_id: str, body: str) -> None:
        self.queue.send(body, group_id=body[0], deduplication_id=deduplication_id)

    def receive(
        self, limit: int, expected: list[str], options: dict[str, float] | None = None
    ) -> None:
        received = self.queue.receive(limit, visibility_timeout=(options or {}).get("visibility"))
        self.handles |= {
            received_message.message.body: received_message.handle for received_message in received
        }
        assert [received_message.message.body for received_message in received] == expected

    def delete(self, body: str, refusal: dict[str, str] | None = None) -> None:
        if refusal is None:
            self.queue.delete(self.handles[body])
            return
        with pytest.raises(SqsError) as refused:
            self.queue.delete(self.handles[body])
        assert refused.value.code == refusal["refused"]

    def change(self, body: str, seconds: float) -> None:
        self.queue.change_visibility(self.handles[body], seconds)

    def wait(self, seconds: float) -> None:
        self.clock.sleep(seconds)

    def purge(self) -> None:
        self.queue.purge()

    def counts(self, visible: int, in_flight: int) -> None:
        counts = self.queue.counts()
        assert (counts.visible, counts.in_flight) == (visible, in_flight)

    def dead_letters(self, expected: list[str]) -> None:
        assert [
            received_message.message.body for received_message in self.letters.receive(10)
        ] == expected


@pytest.mark.parametrize("history", HISTORIES, ids=lambda history: history["name"])
def test_the_model_answers_as_sqs_was_recorded_to(history: dict[str, Any]):
    replaying = HistoryReplay(dict(history["queue"]))

    for step, *arguments in history["steps"]:
        getattr(replaying, step)(*arguments)
