"""Latency of nine subscribers while a tenth never answers, second by second, on the local cloud.

Three events a second, each of a pipeline of its own, go to ten subscribers. Four workers take
batches of up to ten lanes. The reference is the same with ten that answer.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Any

from bench.harness import CLOUD, Row, Sample, check_limit
from bench.local_cloud import pipeline_event, start_lakehook
from bench.receiver import running_receiver
from lakehook.cli.bootstrap import open_service
from lakehook.cli.options import STACK
from lakehook.producer import Publisher
from lakehook.subscriptions.subscribe import SubscriptionFields
from local.receiver import Receiver

HEALTHY = 9
EVENTS_A_SECOND = 3
WINDOWS = ((0, 5), (5, 10), (10, 20), (20, 40))  # seconds of publishing
MAX_SECONDS = 1.0
MAX_RATIO, RATIO_COUNTS_FROM = 1.5, 10  # seconds, when the first requests have timed out
MEDIAN, TAIL = 50, 99
SETTLE_SECONDS = 2.0
PATIENCE_SECONDS = 60.0


def measure(*, quick: bool) -> Sequence[Row]:
    windows = WINDOWS[:-1] if quick else WINDOWS
    with running_receiver() as url:
        usual = _run(f"{url}/slow/1", seconds=windows[-1][1])
        hanging = _run(f"{url}/hang", seconds=windows[-1][1])
    return [row for window in windows for row in _rows(window, usual, hanging)]


def _run(tenth: str, *, seconds: int) -> list[tuple[float, float]]:
    """Return when each event was published, and its latency to each healthy subscriber."""
    with ExitStack() as exits:
        lakehook, _ = start_lakehook(exits)
        receivers = [exits.enter_context(Receiver(f"healthy{n}")) for n in range(HEALTHY)]
        subscribe = open_service(STACK, lambda _: None).subscribe
        for name, url in [
            ("tenth", tenth),
            *((receiver.name, receiver.url) for receiver in receivers),
        ]:
            subscribe(SubscriptionFields(name=name, url=url, retry_schedule="1,2,4"))
        publisher = Publisher(lakehook.deployment.events_queue_url, lakehook.client("sqs"))
        publisher.publish([pipeline_event(0)])
        _wait_for(receivers, 1)
        time.sleep(SETTLE_SECONDS)
        published = _publish(publisher, EVENTS_A_SECOND * seconds)
        _wait_for(receivers, 1 + len(published))
        return list(_latencies(published, receivers))


def _publish(publisher: Publisher, count: int) -> dict[str, float]:
    """Publish at a steady rate, and return when each pipeline's event was."""
    began, published = time.time(), dict[str, float]()
    for number in range(count):
        time.sleep(max(0.0, began + number / EVENTS_A_SECOND - time.time()))
        published[str(1 + number)] = time.time()
        publisher.publish([pipeline_event(1 + number)])
    return published


def _wait_for(receivers: Sequence[Receiver], count: int) -> None:
    for receiver in receivers:
        assert receiver.wait_for(count, within=PATIENCE_SECONDS), receiver.name


def _latencies(
    published: dict[str, float], receivers: Sequence[Receiver]
) -> Iterator[tuple[float, float]]:
    began = min(published.values())
    for receiver in receivers:
        for arrival in receiver.arrivals:
            if (at := published.get(str(arrival.pipeline))) is not None:
                yield at - began, arrival.at - at


def _rows(
    window: tuple[int, int],
    usual: Sequence[tuple[float, float]],
    hanging: Sequence[tuple[float, float]],
) -> Iterator[Row]:
    first, last = window
    samples = [
        Sample([latency for at, latency in run if first <= at < last]) for run in (hanging, usual)
    ]
    for percentile in (MEDIAN, TAIL):
        value, reference = (sample.percentile(percentile) for sample in samples)
        yield Row(
            measure=f"one of ten hangs, seconds {first} to {last}: p{percentile} of the others",
            value=1e3 * value,
            unit="ms",
            on=CLOUD,
            ratio=value / reference,
            reference="without it",
            **(_target(first, value, value / reference) if percentile == TAIL else {}),
        )


def _target(first: int, seconds: float, ratio: float) -> dict[str, Any]:
    if first < RATIO_COUNTS_FROM:
        return check_limit(1e3 * seconds, 1e3 * MAX_SECONDS, unit="ms")
    return {"to_reach": f"≤ {MAX_RATIO:g} ×", "reached": ratio <= MAX_RATIO}
