"""Latency from publishing an event to its webhook, on the local cloud while it is idle.

The reference does what cannot be left out, on the same cloud: two hops over SQS, one write of a
sequence, one read of the ledger, one POST. The thread does it that has just received; a third row
measures the same done by bare functions, invoked as Lakehook's are.
"""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial

from bench.bare_functions import bare_functions
from bench.bare_path import BarePath
from bench.harness import CLOUD, Row, Sample, compare
from bench.local_cloud import pipeline_event, start_lakehook
from lakehook.cli.bootstrap import open_service
from lakehook.cli.options import STACK
from lakehook.domain.event import Event
from lakehook.producer import Publisher
from lakehook.subscriptions.subscribe import SubscriptionFields
from local.receiver import Receiver

MAX_RATIOS = {50: 1.25, 99: 1.5}  # by the percentile
REFERENCE = "its hops alone"
PATIENCE_SECONDS = 10.0
NOT_COUNTED = 3


def measure(*, quick: bool) -> Sequence[Row]:
    rounds = NOT_COUNTED + (10 if quick else 100)
    with ExitStack() as exits:
        paths = list(_paths(exits))
        latencies: list[list[float]] = [[] for _ in paths]
        for number in range(rounds):
            event = pipeline_event(1_000 + number)
            for (send, receiver), seconds in zip(paths, latencies, strict=True):
                seconds.append(_measure_latency(partial(send, event), receiver))
    lakehook, hops, invoked = (Sample(seconds[NOT_COUNTED:]) for seconds in latencies)
    comparison = compare(invoked, hops, reference_name=REFERENCE)
    return [
        *(_row(lakehook, hops, percentile) for percentile in MAX_RATIOS),
        invoked.row("… its hops by bare functions", factor=1e3, unit="ms", on=CLOUD, **comparison),
    ]


def _paths(exits: ExitStack) -> Iterator[tuple[Callable[[Event], object], Receiver]]:
    """Yield the path through Lakehook, the bare path, and the one by bare functions."""
    lakehook, sink = start_lakehook(exits)
    receivers = [exits.enter_context(Receiver(name)) for name in ("ours", "bare", "invoked")]
    receiver, bare_receiver, invoked_receiver = receivers
    open_service(STACK, lambda _: None).subscribe(
        SubscriptionFields(name="bench", url=receiver.url)
    )
    publisher = Publisher(lakehook.deployment.events_queue_url, lakehook.client("sqs"))
    yield lambda event: publisher.publish([event]), receiver
    bare = exits.enter_context(BarePath(lakehook, bare_receiver.url))
    yield lambda event: bare.send(json.dumps(event.document)), bare_receiver
    first = exits.enter_context(bare_functions(lakehook, invoked_receiver.url, sink=sink))
    begin = partial(lakehook.client("sqs").send_message, QueueUrl=first, MessageGroupId="bare")
    yield lambda event: begin(MessageBody=json.dumps(event.document)), invoked_receiver


def _measure_latency(publish: Callable[[], object], receiver: Receiver) -> float:
    """Publish, and return the seconds until the event has come."""
    count, began = len(receiver.arrivals), time.time()
    publish()
    assert receiver.wait_for(count + 1, within=PATIENCE_SECONDS)
    return receiver.arrivals[-1].at - began


def _row(sample: Sample, hops: Sample, percentile: int) -> Row:
    value, reference = sample.percentile(percentile), hops.percentile(percentile)
    return Row(
        measure=f"published to received, p{percentile}",
        value=1e3 * value,
        unit="ms",
        on=CLOUD,
        low=1e3 * min(sample.values),
        high=1e3 * max(sample.values),
        ratio=value / reference,
        reference=REFERENCE,
        to_reach=f"≤ {MAX_RATIOS[percentile]:g} ×",
        reached=value / reference <= MAX_RATIOS[percentile],
    )
