"""Duration of a batch with slow receivers, compared with Powertools' processor, lane by lane."""

import time
from collections.abc import Sequence
from typing import Any

from aws_lambda_powertools.utilities.batch import SqsFifoPartialProcessor, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from bench.delivering import LANES, SECRET, Function
from bench.delivery_cpu import post_loops
from bench.harness import MEMORY, Row, compare, measure_in_turns, wall_seconds
from bench.receiver import running_receiver
from lakehook.domain.channels.webhook import request_headers
from lakehook.domain.destination import Endpoint, Request

ANSWER_MS = 200
MAX_RATIO = 1.15


def measure(*, quick: bool) -> Sequence[Row]:
    with running_receiver() as url:
        slow = f"{url}/slow/{ANSWER_MS}"
        function = Function([slow] * LANES)
        function(function.batch())
        loop = post_loops(slow)["requests"]
        records = function.batch()
        works = {
            "one": lambda: wall_seconds(loop),
            "lakehook": lambda: wall_seconds(function.deliveries(1)),
            "powertools": lambda: wall_seconds(lambda: _process_in_sequence(function, records)),
        }
        samples = measure_in_turns(works, rounds=2 if quick else 5)
        function.close()
    batch, loop_sample = samples["lakehook"], samples["one"]
    comparison = compare(batch, loop_sample, reference_name="one exchange", at_most=MAX_RATIO)
    powertools = compare(samples["powertools"], batch, reference_name="Lakehook")
    return [
        batch.row(
            "batch of 10 lanes, receivers of 200 ms", factor=1e3, unit="ms", on=MEMORY, **comparison
        ),
        samples["powertools"].row(
            "… by SqsFifoPartialProcessor", factor=1e3, unit="ms", on="loopback", **powertools
        ),
    ]


def _process_in_sequence(function: Function, records: list[dict[str, Any]]) -> None:
    """Process one record after another, as Powertools does, stopping at the first that fails."""
    processor = SqsFifoPartialProcessor()

    def handle(record: SQSRecord) -> None:
        url = function.urls[0]
        body = record.body.encode()
        headers = request_headers(
            message_id=record.message_id, at=time.time(), body=body, secrets=[SECRET]
        )
        request = Request(
            endpoint=Endpoint.parse(url), headers=headers, body=body, deadline_seconds=10
        )
        function.http.send(request)

    process_partial_response(
        event={"Records": records},
        record_handler=handle,
        processor=processor,
        context=None,
    )
