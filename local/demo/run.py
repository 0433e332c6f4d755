"""The demonstration, from the rising cloud to the verdict."""

import tempfile
import time
from collections.abc import Sequence

from rich.console import Console
from rich.live import Live

from lakehook.producer import PipelineEventPublisher
from local.demo.cast import Subscriber, a_measuring_cast, on_stage, the_cast
from local.demo.measure import Measured, burst, idle_cpu_percent
from local.demo.screen import Timeline, show_measured, show_verdicts
from local.demo.story import moments
from local.demo.verdict import judge
from local.installation import LocalLakehook, Options

OPTIONS = {"allow_networks": ("127.0.0.0/8",), "clock_seconds": 5.0}
BETWEEN_MOMENTS_SECONDS = 0.5
PATIENCE_SECONDS = 20.0
MEASURING_SUBSCRIBERS = 3


def run() -> int:
    """Exit status: 0 only if everything arrived, in order and genuine."""
    console = Console()
    with tempfile.NamedTemporaryFile(
        "w+", prefix="lakehook-demo-", suffix=".log", delete=False
    ) as log:
        console.print(f"Furnishing a cloud on this machine (the functions log to {log.name}) …")
        began = time.monotonic()
        with LocalLakehook(Options(**OPTIONS, sink=log.fileno())) as lakehook:  # type: ignore[arg-type]
            ready_seconds = time.monotonic() - began
            return _show(console, lakehook, ready_seconds)


def _show(console: Console, lakehook: LocalLakehook, ready_seconds: float) -> int:
    publisher = PipelineEventPublisher(lakehook.deployment.events_queue_url, lakehook.client("sqs"))
    cast, measuring = the_cast(), a_measuring_cast(MEASURING_SUBSCRIBERS)
    with on_stage(lakehook.deployment, cast):
        _tell(console, publisher, cast)
        verdicts = [judge(one.receiver.arrivals, one.expects()) for one in cast]
    console.print("Measuring: at rest, then a burst of events to three more subscribers …")
    idle = idle_cpu_percent()
    with on_stage(lakehook.deployment, measuring):
        deliveries, seconds = burst(publisher, measuring)
    show_verdicts(console, cast, verdicts)
    measured = Measured(
        ready_seconds=ready_seconds,
        idle_cpu_percent=idle,
        deliveries=deliveries,
        burst_seconds=seconds,
    )
    show_measured(console, measured)
    return 0 if all(verdicts) else 1


def _tell(console: Console, publisher: PipelineEventPublisher, cast: Sequence[Subscriber]) -> None:
    timeline = Timeline(cast)
    with Live(timeline, console=console, refresh_per_second=10):
        for moment in moments():
            publisher.publish([one.event(step, at=time.time()) for one, step in moment])
            for pipeline, step in moment:
                timeline.says(pipeline.id, step)
            time.sleep(BETWEEN_MOMENTS_SECONDS)
        _wait_for_the_last(cast)


def _wait_for_the_last(cast: Sequence[Subscriber]) -> None:
    ends_at = time.monotonic() + PATIENCE_SECONDS
    for one in cast:
        expected = sum(map(len, one.expects().values()))
        one.receiver.wait_for(expected, within=max(0.0, ends_at - time.monotonic()))
