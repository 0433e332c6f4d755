"""CPU of a webhook in both functions, AWS's clients included, and of bare calls of botocore.

AWS is an endpoint on loopback that answers at once: TLS, and waiting for it, are left out.
"""

import io
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from functools import partial
from itertools import count
from typing import Any
from unittest.mock import patch

import botocore.session

from bench.aws_endpoint import aws_endpoint
from bench.cold_start import QUEUE, SETTINGS
from bench.delivering import LANES, RECEIVED_AT_MS, REMAINING_SECONDS, REQUEST_ID, SECRET
from bench.delivery_cpu import pinned_to_one_core
from bench.harness import Row, Sample, check_limit, compare, cpu_seconds, measure_in_turns
from bench.receiver import running_receiver
from functions.deliver import handler as deliver
from functions.fanout import handler as fanout
from lakehook.adapters.dynamodb.ledger_items import record_to_item
from lakehook.adapters.dynamodb.partiql import insert
from lakehook.adapters.dynamodb.subscriptions import subscription_to_item
from lakehook.domain.attempt import Attempt, Outcome
from lakehook.domain.destination import Endpoint
from lakehook.domain.lane import DeliveryRecord
from lakehook.domain.queue_message import encode
from lakehook.domain.signing import EncryptedSecret
from lakehook.domain.subscription import Subscription
from tests.builders import a_delivery, a_document, a_subscription

ON = "AWS on loopback"
MAX_MS = {1: 3.5, 10: 1.5}  # of a webhook, by the subscribers of its event
BATCHES, CALLS = 3, 20  # of one sample
FLOOR = "a bare PutItem"
CREATED = "2026-01-01T00:00:00Z"
_numbers = count(1)

Records = list[dict[str, Any]]


def measure(*, quick: bool) -> Sequence[Row]:
    rounds = 3 if quick else 15
    with running_receiver() as url, pinned_to_one_core(), redirect_stdout(io.StringIO()):
        subscriptions = [_subscription(number, url) for number in range(max(MAX_MS))]
        works: dict[str, Callable[[], float]] = {}
        with _serve_aws(subscriptions) as several, _serve_aws(subscriptions[:1]) as single:
            with _environment(several):
                works["deliver"] = _measure_deliver(subscriptions)
                works["fan-out to 10"] = _measure_fan_out(len(subscriptions))
                works |= _measure_bare_calls()
            with _environment(single):
                works["fan-out to 1"] = _measure_fan_out(1)
            samples = measure_in_turns(works, rounds=rounds)
    return [*(_webhook_row(samples, subscribers) for subscribers in MAX_MS), *_part_rows(samples)]


def _webhook_row(samples: Mapping[str, Sample], subscribers: int) -> Row:
    values = [samples[name].median for name in ("deliver", f"fan-out to {subscribers}")]
    milliseconds = 1e3 * sum(values)
    return Row(
        measure=f"CPU per webhook with AWS's clients, {subscribers} an event",
        value=milliseconds,
        unit="ms",
        on=ON,
        ratio=sum(values) / samples[FLOOR].median,
        reference=FLOOR,
        **check_limit(milliseconds, MAX_MS[subscribers], unit="ms"),
    )


def _part_rows(samples: Mapping[str, Sample]) -> Iterator[Row]:
    for name, sample in samples.items():
        comparison = compare(sample, samples[FLOOR], reference_name=FLOOR)
        yield sample.row(f"… {name}", factor=1e3, unit="ms", on=ON, **comparison)


def _measure_deliver(subscriptions: Sequence[Subscription]) -> Callable[[], float]:
    """Measure a batch with a lane of each subscription, by the function as it is wired."""
    deliver_batch, telemetry = deliver.deliver_batch(), deliver.telemetry()

    def batch() -> Records:
        deliveries = [
            a_delivery(next(_numbers), subscription=subscription.id)
            for subscription in subscriptions
        ]
        return [sqs_record(str(delivery.lane), encode(delivery)) for delivery in deliveries]

    def work(records: Records) -> None:
        with telemetry.invocation(REQUEST_ID):
            messages = [deliver.queue_message(record) for record in records]
            assert not deliver_batch(messages, lambda: REMAINING_SECONDS)

    return _measure_batches(batch, work, webhooks=len(subscriptions))


def _measure_fan_out(subscribers: int) -> Callable[[], float]:
    """Measure a full batch of events, each of another pipeline."""
    fan_out_batch, telemetry = fanout.fan_out_batch.__wrapped__(), fanout.telemetry()

    def batch() -> Records:
        documents = [
            a_document(pipeline_id=number, event_id=f"e{number}")
            for number in (next(_numbers) for _ in range(LANES))
        ]
        return [
            sqs_record(str(document["pipeline_id"]), json.dumps(document)) for document in documents
        ]

    def work(records: Records) -> None:
        with telemetry.invocation(REQUEST_ID):
            messages = [fanout.event_message(record) for record in records]
            assert not fan_out_batch(messages, lambda: REMAINING_SECONDS)

    return _measure_batches(batch, work, webhooks=LANES * subscribers)


def _measure_batches(
    batch: Callable[[], Records], work: Callable[[Records], None], *, webhooks: int
) -> Callable[[], float]:
    """Measure the CPU per webhook of a batch; Lambda would have made the records."""

    def measured() -> float:
        records = [batch() for _ in range(BATCHES)]
        return cpu_seconds(lambda: work(records.pop()), times=BATCHES) / webhooks

    return measured


def sqs_record(group: str, body: str) -> dict[str, Any]:
    return {
        "messageId": f"m{next(_numbers)}",
        "receiptHandle": "receipt",
        "body": body,
        "attributes": {
            "MessageGroupId": group,
            "ApproximateReceiveCount": "1",
            "ApproximateFirstReceiveTimestamp": RECEIVED_AT_MS,
        },
    }


def _measure_bare_calls() -> dict[str, Callable[[], float]]:
    """Measure the least that a call costs, by clients in their default configuration."""
    session: Any = botocore.session.get_session()
    dynamodb, sqs = session.create_client("dynamodb"), session.create_client("sqs")
    attempt = Attempt(at=1e9, outcome=Outcome.DELIVERED, milliseconds=12, status=200)
    record = DeliveryRecord.waiting(a_delivery()).with_attempt(attempt)
    item = record_to_item(record, expires_at=2_000_000_000)
    inserts = [insert("deliveries", item)] * LANES
    message = {"MessageBody": encode(a_delivery()), "MessageGroupId": "g"}
    entries = [{"Id": str(n), "MessageDeduplicationId": str(n), **message} for n in range(LANES)]
    calls = {
        FLOOR: lambda: dynamodb.put_item(TableName="deliveries", Item=item),
        "a bare batch of ten INSERTs": lambda: dynamodb.batch_execute_statement(Statements=inserts),
        "a bare SendMessageBatch of ten": lambda: sqs.send_message_batch(
            QueueUrl=QUEUE, Entries=entries
        ),
    }
    return {name: partial(cpu_seconds, call, times=CALLS) for name, call in calls.items()}


def _subscription(number: int, url: str) -> Subscription:
    secret = EncryptedSecret(ciphertext=b"a ciphertext", created_at=CREATED)
    endpoint = Endpoint.parse(f"{url}/{number}")
    return a_subscription(
        id=f"sub_{number:022d}", name=f"ci {number}", endpoint=endpoint, secrets=(secret,)
    )


@contextmanager
def _serve_aws(subscriptions: Sequence[Subscription]) -> Iterator[str]:
    answers = {
        "Scan": {"Items": [subscription_to_item(subscription) for subscription in subscriptions]},
        "Decrypt": {"KeyId": "key", "Plaintext": SECRET.key},
    }
    with aws_endpoint(answers) as url:
        yield url


@contextmanager
def _environment(url: str) -> Iterator[None]:
    """Set what Lambda sets, so that the functions are wired as they ship."""
    environment = {
        "AWS_ENDPOINT_URL": url,
        "AWS_SESSION_TOKEN": "a token of a role " * 40,
        "ALLOWED_NETWORKS": "127.0.0.0/8",
    }
    with patch.dict(os.environ, SETTINGS | environment):
        yield
