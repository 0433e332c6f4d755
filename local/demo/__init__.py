"""The demonstration: pipelines run, subscribers receive, and every delivery is checked."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.text import Text

from lakehook.adapters.aws import Aws
from lakehook.operations.bootstrap import operator_service_on
from lakehook.producer import Publisher
from local import account
from local.demo.report import (
    Measured,
    Timeline,
    Verdict,
    burst,
    explain_by,
    faults,
    idle_cpu_percent,
    judge,
    proven,
    show_cast,
    show_measured,
    show_verdicts,
)
from local.demo.scenario import (
    NO_PROGRESS_SECONDS,
    REFUSED,
    Stuck,
    Subscriber,
    demo_subscribers,
    measuring_subscribers,
    moments,
    running_subscribers,
    stuck_subscriber,
    wait_until_taken,
)
from local.function import ROOT
from local.installation import LocalLakehook, Options

__all__ = ["run"]
OPTIONS = Options(allow_networks=("127.0.0.0/8",), retry_schedule="0.5,1", clock_seconds=5.0)
BETWEEN_MOMENTS_SECONDS = 0.3
MEASURING_SUBSCRIBERS = 3
NEXT = (
    "Now try it yourself:",
    "  .venv/bin/python -m local up",
    "says how to go on, with `lakehook listen` and `lakehook events trigger`.",
)


def repair(console: Console, endpoint_url: str, subscriber: Subscriber, stuck: Stuck) -> None:
    """Show the dead letter and the deliveries behind it, repair the receiver, redrive."""
    name = subscriber.receiver.name
    _wait_for_the_letter(endpoint_url, name)
    console.print(
        f"{name} has refused #1 of {REFUSED} until its retries were spent: a dead letter."
        "\n#2 and #3 wait behind it.",
        highlight=False,
    )
    _run(console, endpoint_url, "dead-letters", "list", "--subscription", name)
    stuck.repaired = True
    console.print(f"{name} is repaired. An operator redrives the dead letter:")
    _run(console, endpoint_url, "dead-letters", "redrive", "--subscription", name, "--yes")
    wait_until_taken([replace(subscriber, refuses=0)])


def _wait_for_the_letter(endpoint_url: str, name: str) -> None:
    ends_at = time.monotonic() + NO_PROGRESS_SECONDS
    while time.monotonic() < ends_at:
        completed = _lakehook(
            endpoint_url, "dead-letters", "list", "--subscription", name, "--output=json"
        )
        if completed.stdout.strip() not in {"", "[]"}:
            return


def _run(console: Console, endpoint_url: str, *arguments: str) -> None:
    console.print(f"$ lakehook {' '.join(arguments)}", style="bold")
    completed = _lakehook(endpoint_url, *arguments)
    for line in (completed.stdout + completed.stderr).splitlines():
        console.print(Text(f"  {line.rstrip()}"), no_wrap=True, overflow="ellipsis")
    console.print()


def _lakehook(endpoint_url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lakehook.cli", *arguments],
        cwd=ROOT,
        env=account.variables(endpoint_url),
        capture_output=True,
        text=True,
        check=False,
    )


def run(keep: Callable[[LocalLakehook], None] = lambda _: None) -> int:
    """Run, and return the exit status: 0 only if everything arrived, in order and genuine.

    ``keep`` gets what is there at the end, before it is gone.
    """
    console = Console()
    with tempfile.NamedTemporaryFile(
        "w+", prefix="lakehook-demo-", suffix=".log", delete=False
    ) as log:
        console.print("A cloud starts on this machine, from the template that is deployed …")
        began = time.monotonic()
        with LocalLakehook(replace(OPTIONS, sink=log.fileno())) as lakehook:
            status = _show(console, lakehook, time.monotonic() - began)
            keep(lakehook)
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
