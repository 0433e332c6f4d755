"""The delivery function with everything on, over loopback and in-memory ports."""

import io
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, redirect_stdout
from dataclasses import dataclass, field, replace
from itertools import count
from threading import Lock
from typing import Any

from aws_lambda_powertools import Logger, Metrics

from functions.deliver.handler import queue_message
from lakehook.adapters.delivery_telemetry import PowertoolsTelemetry
from lakehook.adapters.http.client import HttpTransport
from lakehook.adapters.liquid import LiquidRenderer
from lakehook.adapters.system import SystemClock, SystemRandom
from lakehook.adapters.transport import TransportRouter
from lakehook.delivery.batch import build_deliver
from lakehook.delivery.dependencies import DeliveryPorts
from lakehook.delivery.sender import SignedSender
from lakehook.domain.attempt import Response
from lakehook.domain.destination import Endpoint, Mail
from lakehook.domain.queue_message import encode
from lakehook.domain.retry import RetrySchedule
from lakehook.domain.signing import HmacSecret
from lakehook.domain.ssrf_policy import parse_networks
from lakehook.ports.outbound import NoResponse, SubscriptionCredentials
from lakehook.ports.stores import EndpointHealthStore, Ledger
from lakehook.ports.system import Clock
from tests.builders import a_delivery, a_subscription
from tests.fakes import (
    FakeClock,
    FakeCredentialStore,
    FakeDeadLetterQueue,
    FakeDeliveryQueue,
    FakeLedger,
    FakeMessageAcks,
    FakePings,
    FakeRateLimitStore,
    FakeSubscriptions,
)

RECEIVED_AT_MS = "9999999999999"  # of its receive: batches are made long before they are handled
LANES = 10  # of a full batch
SECRET = HmacSecret(b"a secret of thirty-two bytes, so")
REQUEST_ID = "c0ffee00-0000-4000-8000-000000000000"
REMAINING_SECONDS = 30.0
LOOPBACK = parse_networks(["127.0.0.0/8"])
_SERVICES = count()  # loggers of one name would all write into the stream of the first


class _NoMailTransport:
    def send(self, mail: Mail) -> Response | NoResponse:
        raise AssertionError(f"a mail to {mail.destination.display_url}")


@dataclass
class Function:
    """A lane for each URL; each call is a batch with the next delivery of every lane."""

    urls: Sequence[str]
    ledger: Ledger | None = None
    healths: EndpointHealthStore | None = None
    clock: Clock = field(default_factory=SystemClock)
    http: HttpTransport = field(default_factory=lambda: HttpTransport(LOOPBACK))
    deadline_seconds: float = 10.0
    pipelines: Sequence[str] = ("39",)  # of which each URL has a lane
    event_fields: dict[str, Any] = field(default_factory=dict)  # in each event
    log: io.StringIO = field(default_factory=io.StringIO)

    def __post_init__(self) -> None:
        self._numbers = count(1)
        service = f"deliver-{next(_SERVICES)}"
        self._telemetry = PowertoolsTelemetry(
            Logger(service=service, stream=self.log, use_rfc3339=True, utc=True),
            Metrics(service=service, namespace="Lakehook"),
        )
        ledger = self.ledger or FakeLedger(clock=self.clock)  # type: ignore[arg-type]
        self.ports = self._ports(ledger)
        self._batch = build_deliver(self.ports, RetrySchedule.parse("300"))

    def batch(self, *, pipelines: Sequence[str] = ()) -> list[dict[str, Any]]:
        """Return records as Lambda passes them."""
        number = next(self._numbers)
        lane_pipelines = pipelines or self.pipelines
        lanes = [(i, pipeline) for i in range(len(self.urls)) for pipeline in lane_pipelines]
        return [self._record(f"sub_{i:022d}", pipeline, number) for i, pipeline in lanes]

    def __call__(self, records: Sequence[dict[str, Any]]) -> None:
        with redirect_stdout(self.log), self._telemetry.invocation(REQUEST_ID):
            nacked = self._batch(
                [queue_message(record) for record in records], lambda: REMAINING_SECONDS
            )
        assert not nacked, nacked

    def deliveries(self, times: int) -> Callable[[], None]:
        """Make so many batches now, as Lambda would have; each call then handles one."""
        batches = [self.batch() for _ in range(times)]
        return lambda: self(batches.pop())

    def close(self) -> None:
        self.http.close()
        self._batch.workers.shutdown()

    def _record(self, subscription: str, pipeline: str, number: int) -> dict[str, Any]:
        changes = {
            "pipeline_id": pipeline,
            "task": {"id": 7, "plugin": "gitlab"},
        } | self.event_fields
        delivery = a_delivery(number, subscription=subscription, **changes)
        return {
            "messageId": f"{subscription}-{pipeline}-{number}",
            "receiptHandle": "receipt",
            "body": encode(delivery),
            "attributes": {
                "MessageGroupId": str(delivery.lane),
                "ApproximateReceiveCount": "1",
                "ApproximateFirstReceiveTimestamp": RECEIVED_AT_MS,
            },
        }

    def _ports(self, ledger: Any) -> DeliveryPorts:
        clock, random = self.clock, SystemRandom()
        transport = TransportRouter(http=self.http, mail=_NoMailTransport())  # type: ignore[arg-type]
        subscriptions = {f"sub_{i:022d}": url for i, url in enumerate(self.urls)}
        return DeliveryPorts(
            ledger=ledger,
            endpoint_health=self.healths or ledger.healths,
            rate_limits=FakeRateLimitStore(FakeClock()),
            subscriptions=FakeSubscriptions(
                {id_: self._subscription(id_, url) for id_, url in subscriptions.items()}
            ),
            pings=FakePings(),
            queue=FakeDeliveryQueue(),
            acks=FakeMessageAcks(),
            dead_letters=FakeDeadLetterQueue(),
            sender=SignedSender(
                FakeCredentialStore(SubscriptionCredentials((SECRET,), {})),
                transport,
                clock,
                random,
            ),
            renderer=LiquidRenderer(),
            clock=clock,
            random=random,
            telemetry=self._telemetry,
            workers=ThreadPoolExecutor(LANES),
            exclusive_attempts=Lock(),
            visibility_seconds=REMAINING_SECONDS,
            under_way=getattr(ledger, "group_commit", nullcontext()),
        )

    def _subscription(self, id_: str, url: str) -> Any:
        return replace(
            a_subscription(id=id_, endpoint=Endpoint.parse(url)),
            deadline_seconds=self.deadline_seconds,
        )
