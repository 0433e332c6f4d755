"""Run of the demonstration, from starting the cloud to the checks."""

import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.live import Live

from lakehook.adapters.aws import Aws
from lakehook.operations.bootstrap import operator_service_on
from lakehook.producer import Publisher
from local.demo.checks import Verdict, judge
from local.demo.measure import Measured, burst, idle_cpu_percent
from local.demo.redrive import repair
from local.demo.report import explain_by, faults, proven
from local.demo.scenario import moments
from local.demo.subscribers import (
    Subscriber,
    demo_subscribers,
    measuring_subscribers,
    running_subscribers,
    stuck_subscriber,
    wait_until_taken,
)
from local.demo.timeline import Timeline, show_cast, show_measured, show_verdicts
from local.installation import LocalLakehook, Options

OPTIONS = Options(allow_networks=("127.0.0.0/8",), retry_schedule="0.5,1", clock_seconds=5.0)
BETWEEN_MOMENTS_SECONDS = 0.3
MEASURING_SUBSCRIBERS = 3
NEXT = (
    "Now try it yourself:",
    "  .venv/bin/python -m local up --allow-network 127.0.0.0/8",
    "says how to go on, with `lakehook listen` and `lakehook events trigger`.",
)


def run() -> int:
    """Run, and return the exit status: 0 only if everything arrived, in order and genuine."""
    console = Console()
    with tempfile.NamedTemporaryFile(
        "w+", prefix="lakehook-demo-", suffix=".log", delete=False
    ) as log:
        console.print("A cloud starts on this machine, from the template that is deployed …")
        began = time.monotonic()
        with LocalLakehook(replace(OPTIONS, sink=log.fileno())) as lakehook:
            status = _show(console, lakehook, time.monotonic() - began)
    if status:
        console.print(f"what the functions logged is in {log.name}")
    else:
        Path(log.name).unlink()
    return status


def _show(console: Console, lakehook: LocalLakehook, ready_seconds: float) -> int:
    publisher = Publisher(lakehook.deployment.events_queue_url, lakehook.client("sqs"))
    stuck_one, stuck = stuck_subscriber()
    cast = (*demo_subscribers(), stuck_one)
    show_cast(console, cast)
    with running_subscribers(lakehook.deployment, cast):
        _tell(console, publisher, cast)
        repair(console, lakehook.endpoint_url, stuck_one, stuck)
        verdicts = [judge(subscriber.receiver.taken, subscriber.expects()) for subscriber in cast]
    measured = _measure(console, lakehook, publisher, ready_seconds)
    show_verdicts(console, cast, verdicts)
    show_measured(console, measured)
    return _report(console, lakehook, cast, verdicts)


def _report(
    console: Console,
    lakehook: LocalLakehook,
    cast: Sequence[Subscriber],
    verdicts: Sequence[Verdict],
) -> int:
    """Print the result, with the reason of each problem, and return the exit status."""
    if all(verdicts):
        for line in (*proven(cast, verdicts), "", *NEXT):
            console.print(line, highlight=False)
        return 0
    explain = explain_by(operator_service_on(lakehook.deployment, Aws(), console.print))
    for subscriber, verdict in zip(cast, verdicts, strict=True):
        for line in faults(subscriber, verdict, explain):
            console.print(line, style="bold red", highlight=False, soft_wrap=True)
    return 1


def _measure(
    console: Console,
    lakehook: LocalLakehook,
    publisher: Publisher,
    ready_seconds: float,
) -> Measured:
    console.print("Measuring: at rest, then a burst of events to three more subscribers …")
    idle, measuring = idle_cpu_percent(), measuring_subscribers(MEASURING_SUBSCRIBERS)
    with running_subscribers(lakehook.deployment, measuring):
        deliveries, seconds = burst(publisher, measuring)
    return Measured(
        ready_seconds=ready_seconds,
        idle_cpu_percent=idle,
        deliveries=deliveries,
        burst_seconds=seconds,
    )


def _tell(console: Console, publisher: Publisher, cast: Sequence[Subscriber]) -> None:
    timeline = Timeline(cast)
    with Live(timeline, console=console, refresh_per_second=10):
        for moment in moments():
            publisher.publish([pipeline.event(step, at=time.time()) for pipeline, step in moment])
            for pipeline, step in moment:
                timeline.says(pipeline.id, step)
            time.sleep(BETWEEN_MOMENTS_SECONDS)
        wait_until_taken(cast)
