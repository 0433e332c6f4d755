"""From the publishing of an event to its webhook, on the local cloud while it is idle.

The reference does what cannot be left out, on the same cloud: two hops over SQS, one write of a
sequence, one read of the ledger, one POST.
"""

import json
import os
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from bench.bare_path import BarePath
from bench.harness import CLOUD, Row, Sample
from lakehook.domain.event import Event
from lakehook.producer import PipelineEventPublisher
from lakehook.subscribe import Terms
from local.installation import LocalLakehook, Options
from local.receiver import Receiver
from ops.options import STACK
from ops.wiring import desk_of_stack

AT_MOST = 1.3
PATIENCE_SECONDS = 10.0
NOT_COUNTED = 3


def measure(*, quick: bool) -> Sequence[Row]:
    rounds = NOT_COUNTED + (10 if quick else 100)
    sink = os.open(os.devnull, os.O_WRONLY)
    options = Options(allow_networks=("127.0.0.0/8",), sink=sink)
    with ExitStack() as exits:
        lakehook = exits.enter_context(LocalLakehook(options))
        ours, theirs = (exits.enter_context(Receiver(name)) for name in ("ours", "theirs"))
        bare = exits.enter_context(BarePath(lakehook, theirs.url))
        desk_of_stack(STACK, lambda _: None).subscribe(Terms(name="bench", url=ours.url))
        queue = lakehook.deployment.events_queue_url
        publisher = PipelineEventPublisher(queue, lakehook.client("sqs"))
        latencies, least = [], []
        for number in range(rounds):
            event = _event(number)
            latencies.append(_arrival(lambda: publisher.publish([event]), ours))  # noqa: B023
            body = json.dumps(event.document)
            least.append(_arrival(lambda: bare.send(body), theirs))  # noqa: B023
    os.close(sink)
    samples = Sample(latencies[NOT_COUNTED:]), Sample(least[NOT_COUNTED:])
    return [_row(*samples, percentile) for percentile in (50, 99)]


def _arrival(publish: Callable[[], object], receiver: Receiver) -> float:
    """Seconds until it has come."""
    count, began = len(receiver.arrivals), time.time()
    publish()
    assert receiver.wait_for(count + 1, within=PATIENCE_SECONDS)
    return receiver.arrivals[-1].at - began


def _event(number: int) -> Event:
    document = {
        "pipeline_id": 1_000 + number,
        "event_type": "PIPELINE_CREATED",
        "trigger_source": "manual",
        "timestamp": "2026-01-01T12:00:00Z",
    }
    return Event.from_document(document)


def _row(ours: Sample, least: Sample, percentile: int) -> Row:
    value, reference = ours.percentile(percentile), least.percentile(percentile)
    return Row(
        measure=f"published to received, p{percentile}",
        value=1e3 * value,
        unit="ms",
        on=CLOUD,
        low=1e3 * min(ours.values),
        high=1e3 * max(ours.values),
        ratio=value / reference,
        reference="its hops alone",
        to_reach=f"≤ {AT_MOST:g} ×",
        reached=value / reference <= AT_MOST,
    )
