"""From the publishing of an event to its webhook, on the local cloud while it is idle.

The reference does what cannot be left out, on the same cloud: two hops over SQS, one write of a
sequence, one read of the ledger, one POST. A thread does it that has just received; beside it
stands the same, done by functions, which are invoked as ours are.
"""

import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial

from bench.bare_functions import bare_functions
from bench.bare_path import BarePath
from bench.harness import CLOUD, Row, Sample, within
from lakehook.cli.bootstrap import open_service
from lakehook.cli.options import STACK
from lakehook.domain.event import Event
from lakehook.producer import Publisher
from lakehook.subscriptions.subscribe import SubscriptionFields
from local.installation import LocalLakehook, Options
from local.receiver import Receiver

AT_MOST = {50: 1.25, 99: 1.5}  # by the percentile
REFERENCE = "its hops alone"
PATIENCE_SECONDS = 10.0
NOT_COUNTED = 3


def measure(*, quick: bool) -> Sequence[Row]:
    rounds = NOT_COUNTED + (10 if quick else 100)
    with ExitStack() as exits:
        ways = list(_ways(exits))
        arrivals: list[list[float]] = [[] for _ in ways]
        for number in range(rounds):
            event = _event(number)
            for (send, receiver), seconds in zip(ways, arrivals, strict=True):
                seconds.append(_arrival(partial(send, event), receiver))
    ours, hops, invoked = (Sample(several[NOT_COUNTED:]) for several in arrivals)
    told = within(invoked, hops, of=REFERENCE)
    return [
        *(_row(ours, hops, percentile) for percentile in AT_MOST),
        invoked.row("… its hops by bare functions", factor=1e3, unit="ms", on=CLOUD, **told),
    ]


def _ways(exits: ExitStack) -> Iterator[tuple[Callable[[Event], object], Receiver]]:
    """Ours, the bare one, and that by functions."""
    sink = os.open(os.devnull, os.O_WRONLY)
    exits.callback(os.close, sink)
    options = Options(allow_networks=("127.0.0.0/8",), sink=sink)
    lakehook = exits.enter_context(LocalLakehook(options))
    receivers = [exits.enter_context(Receiver(name)) for name in ("ours", "bare", "invoked")]
    ours, alone, invoked = receivers
    open_service(STACK, lambda _: None).subscribe(SubscriptionFields(name="bench", url=ours.url))
    publisher = Publisher(lakehook.deployment.events_queue_url, lakehook.client("sqs"))
    yield lambda event: publisher.publish([event]), ours
    bare = exits.enter_context(BarePath(lakehook, alone.url))
    yield lambda event: bare.send(json.dumps(event.document)), alone
    first = exits.enter_context(bare_functions(lakehook, invoked.url, sink=sink))
    begin = partial(lakehook.client("sqs").send_message, QueueUrl=first, MessageGroupId="bare")
    yield lambda event: begin(MessageBody=json.dumps(event.document)), invoked


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
        reference=REFERENCE,
        to_reach=f"≤ {AT_MOST[percentile]:g} ×",
        reached=value / reference <= AT_MOST[percentile],
    )
