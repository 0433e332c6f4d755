"""Measurements on the laptop: the rate of deliveries, and the cost of an idle installation."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import psutil

from lakehook.domain.event import Event
from lakehook.producer import Publisher
from local.demo.subscribers import MEASURED, NO_PROGRESS_SECONDS, Subscriber

IDLE_SECONDS = 2.0
BURST_PIPELINES, BURST_EVENTS = 40, 4
_PIPELINES = range(1001, 1001 + BURST_PIPELINES)


def idle_cpu_percent() -> float:
    """Return the CPU use of all our processes while idle, in per cent of one core."""
    processes = [psutil.Process(), *psutil.Process().children(recursive=True)]
    before, began = _cpu_seconds(processes), time.monotonic()
    time.sleep(IDLE_SECONDS)
    return 100 * (_cpu_seconds(processes) - before) / (time.monotonic() - began)


@dataclass(frozen=True, kw_only=True)
class Measured:
    ready_seconds: float
    idle_cpu_percent: float
    deliveries: int
    burst_seconds: float

    @property
    def deliveries_per_second(self) -> float:
        return self.deliveries / self.burst_seconds


def burst(publisher: Publisher, cast: Sequence[Subscriber]) -> tuple[int, float]:
    """Return the deliveries of a burst of events, and the seconds that they took."""
    events = [_event(pipeline, n) for n in range(BURST_EVENTS) for pipeline in _PIPELINES]
    began = time.monotonic()
    publisher.publish(events)
    for subscriber in cast:
        receiver = subscriber.receiver
        while (arrived := len(receiver.arrivals)) < len(events):
            if not receiver.wait_for(arrived + 1, within=NO_PROGRESS_SECONDS):
                break
    return sum(len(subscriber.receiver.arrivals) for subscriber in cast), time.monotonic() - began


def _event(pipeline: int, number: int) -> Event:
    return Event.from_document(
        {
            "pipeline_id": pipeline,
            "event_type": str(MEASURED[0]),
            "trigger_source": "manual",
            "timestamp": datetime.fromtimestamp(time.time(), UTC).isoformat(),
            "task": {"id": number, "plugin": "gitlab"},
        }
    )


def _cpu_seconds(processes: Sequence[psutil.Process]) -> float:
    times = [process.cpu_times() for process in processes if process.is_running()]
    return sum(time_.user + time_.system for time_ in times)
