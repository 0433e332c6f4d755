"""Local cloud as a newcomer starts it: speed of a burst, memory, and CPU while idle."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

from bench.harness import CLOUD, Row
from bench.local_cloud import pipeline_event
from bench.receiver import running_receiver
from lakehook.cli.bootstrap import open_service
from lakehook.cli.options import STACK
from lakehook.producer import Publisher
from lakehook.subscriptions.subscribe import SubscriptionFields
from local import account

UP = [sys.executable, "-m", "local", "up", "--port", "0"]
SUBSCRIBERS = 10
PIPELINES, EVENT_TYPES = 100, ("PIPELINE_CREATED", "PIPELINE_RUNNING", "PIPELINE_COMPLETED")
MIN_PER_SECOND, MAX_MEMORY_MB, MAX_IDLE_PERCENT = 200, 350, 1
PATIENCE_SECONDS, LOOK_SECONDS = 120.0, 0.05


def measure(*, quick: bool) -> Sequence[Row]:
    """Measure the processes of ``local up``, without the publisher."""
    pipelines = PIPELINES // 5 if quick else PIPELINES
    deliveries = pipelines * len(EVENT_TYPES) * SUBSCRIBERS
    with ExitStack() as exits:
        pid, outputs = exits.enter_context(_running())
        endpoint_url = outputs["endpoint_url"]
        exits.enter_context(account.entered(endpoint_url))
        url = exits.enter_context(running_receiver())
        _subscribe(url)
        publisher = Publisher(outputs["events_queue_url"], account.client("sqs", endpoint_url))
        per_second = deliveries / _burst(publisher, url, pipelines, deliveries)
        memory = _pss_mb(pid)
        idle = _idle_percent(pid, 5.0 if quick else 20.0)
    return [
        _row(
            f"a burst of {deliveries:,} deliveries",
            per_second,
            "/s",
            to_reach=f"≥ {MIN_PER_SECOND}",
            reached=per_second >= MIN_PER_SECOND,
        ),
        _row(
            "memory of all processes after it (PSS)",
            memory,
            "MB",
            to_reach=f"≤ {MAX_MEMORY_MB}",
            reached=memory <= MAX_MEMORY_MB,
        ),
        _row(
            "CPU at rest",
            idle,
            "% of a core",
            to_reach=f"≤ {MAX_IDLE_PERCENT}",
            reached=idle <= MAX_IDLE_PERCENT,
        ),
    ]


@contextmanager
def _running() -> Iterator[tuple[int, Mapping[str, str]]]:
    """Yield its process id, and the outputs that it prints."""
    with subprocess.Popen(
        UP, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout
        try:
            yield process.pid, json.loads(process.stdout.readline())
        finally:
            process.terminate()


def _subscribe(url: str) -> None:
    service = open_service(STACK, lambda _: None)
    for number in range(SUBSCRIBERS):
        service.subscribe(SubscriptionFields(name=f"bench-{number}", url=f"{url}/{number}"))


def _burst(publisher: Publisher, url: str, pipelines: int, deliveries: int) -> float:
    events = [
        pipeline_event(number, event_type)
        for event_type in EVENT_TYPES
        for number in range(pipelines)
    ]
    with closing(HTTPConnection(urlsplit(url).netloc)) as connection:
        began = time.perf_counter()
        publisher.publish(events)
        while received(connection) < deliveries:
            assert time.perf_counter() - began < PATIENCE_SECONDS, received(connection)
            time.sleep(LOOK_SECONDS)
        return time.perf_counter() - began


def received(connection: HTTPConnection) -> int:
    connection.request("GET", "/count")
    return int(connection.getresponse().read())


def _idle_percent(pid: int, seconds: float) -> float:
    time.sleep(2)
    began, used = time.perf_counter(), _cpu_seconds(pid)
    time.sleep(seconds)
    return 100 * (_cpu_seconds(pid) - used) / (time.perf_counter() - began)


def _processes(pid: int) -> Iterator[Path]:
    """Yield the process and all its descendants."""
    process = Path(f"/proc/{pid}")
    yield process
    for children in (process / "task").glob("*/children"):
        for child in children.read_text().split():
            yield from _processes(int(child))


def _pss_mb(pid: int) -> float:
    kilobytes = 0
    for process in _processes(pid):
        lines = (process / "smaps_rollup").read_text().splitlines()
        kilobytes += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return kilobytes / 1024


def _cpu_seconds(pid: int) -> float:
    ticks = 0
    for process in _processes(pid):
        fields = (process / "stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _row(measure: str, value: float, unit: str, *, to_reach: str, reached: bool) -> Row:
    return Row(
        measure=f"laptop: {measure}",
        value=value,
        unit=unit,
        on=CLOUD,
        to_reach=f"{to_reach} {unit}",
        reached=reached,
    )
