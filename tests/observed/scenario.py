"""A run in which everything happens that is counted: good, bad, and our own trouble last."""

import json
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from itertools import filterfalse
from uuid import uuid4

import requests
from botocore.exceptions import ClientError

from lakehook import metrics as names
from lakehook.adapters.dynamodb.items import to_item, to_milliseconds
from lakehook.adapters.dynamodb.ledger_items import LANE
from lakehook.cli.bootstrap import open_service
from lakehook.cli.options import STACK
from lakehook.domain.delivery import Lane
from lakehook.domain.event import Event, EventType
from lakehook.domain.replay import ReplayRequest
from lakehook.producer import Publisher
from lakehook.settings import DeliveriesTable as Table
from lakehook.subscriptions.subscribe import SubscriptionFields
from local.installation import LocalLakehook, Options
from local.receiver import Behaviour, Receiver, polite
from tests.devlake.rest import serving_rest
from tests.devlake.server import DevLake
from tests.e2e.pipelines import COMPLETED, CREATED, RUNNING, pipeline_events
from tests.integration.eventually import eventually
from tests.observed.function_log import FunctionLog

OPTIONS = Options(
    retry_schedule="0.2,0.2",
    allow_networks=("127.0.0.0/8",),
    clock_seconds=0.5,
    notification_secret="a secret",
    stall_thresholds='{"created": "1s"}',
    devlake_sources={"away": "http://127.0.0.1:9"},
)
GONE, ERROR = 410, 500


@dataclass
class Scenario:
    lakehook: LocalLakehook
    log: FunctionLog
    exits: ExitStack
    devlake: DevLake
    ids: dict[str, str] = field(default_factory=dict)

    def run(self) -> None:
        self._subscribe("good", polite)
        self._delivered_and_late()
        self._devlake()
        self._bad_receivers()
        self._late()
        self._operators()
        self._out_of_order()
        self._internal_errors()

    def _subscribe(self, name: str, behaviour: Behaviour, **fields: str) -> None:
        receiver = self.exits.enter_context(Receiver(name, behaviour))
        service = open_service(STACK, print)
        subscription, _ = service.subscribe(
            SubscriptionFields(name=name, url=receiver.url, **fields)
        )
        self.ids[name] = subscription.id

    def _publish(self, *events: Event) -> None:
        queue_url = self.lakehook.deployment.events_queue_url
        Publisher(queue_url, self.lakehook.client("sqs")).publish(events)

    def _send_message(self, group: str, body: str, queue_url: str) -> None:
        """Send a message as SQS accepts it after its deduplication interval."""
        self.lakehook.client("sqs").send_message(
            QueueUrl=queue_url,
            MessageBody=body,
            MessageGroupId=group,
            MessageDeduplicationId=str(uuid4()),
        )

    def _until(self, *counted: str) -> None:
        eventually(
            lambda: all(map(self.log.has_counted, counted)),
            what=lambda: f"of {counted}: {[*filterfalse(self.log.has_counted, counted)]}",
        )

    def _delivered_and_late(self) -> None:
        events = pipeline_events()
        self._publish(*events)
        self._until(names.DELIVERED)
        self._send_message(
            events[-1].pipeline_id,
            json.dumps(events[-1].document),
            self.lakehook.deployment.events_queue_url,
        )
        self._publish(_as(events[-1], EventType.PIPELINE_STALLED))
        deployment = self.lakehook.deployment
        for queue_url in (deployment.events_queue_url, deployment.deliveries_queue_url):
            self._send_message("39", "nothing that is known", queue_url)
        self._until(names.EVENTS_REDELIVERED, names.STALLS_DISCARDED)
        self._until_counted_by(names.INVALID_MESSAGES, "fanout", "deliver")

    def _devlake(self) -> None:
        url = self.lakehook.deployment.ingress_url
        for secret in (self.lakehook.notification_secret, "another"):
            devlake = DevLake(url, secret)
            devlake.create(devlake.add_blueprint("lake"))
        self.devlake.live(self.devlake.create())  # it posts to nobody
        self._until(
            names.NOTIFICATIONS_RECEIVED, names.NOTIFICATIONS_REJECTED, names.PIPELINES_STALLED
        )
        self._until(names.EVENTS_RECONCILED, names.RECONCILE_LAG)

    def _bad_receivers(self) -> None:
        """Subscribe failing receivers; a single lane opens no breaker, so it stays held.

        Several lanes that fail do open it, for as long as they are there. That they are given up
        wakes them for certain: the clock alone does that, and by then nobody else is in them.
        """
        self._subscribe("leaving", lambda _: GONE)
        self._subscribe("down", lambda _: ERROR)
        self._publish(*pipeline_events())
        self._until(
            names.FAILED, names.DEAD, names.DISABLED, names.LANES_HELD, names.OLDEST_HELD_LANE_AGE
        )
        for events in [pipeline_events() for _ in range(4)]:
            self._publish(*events)
        self._until(names.BREAKERS_OPEN)
        self._unsubscribe("down")
        self._unsubscribe("leaving")
        self._until(names.LANES_RESUMED, names.DISCARDED)

    def _late(self) -> None:
        """Make a retry due five minutes ago, as if no tick had come since."""
        self._subscribe("late", lambda _: ERROR, retry_schedule="90,90")
        (created,) = pipeline_events(CREATED)
        self._publish(created)
        lane = Lane(self.ids["late"], created.pipeline_key)
        eventually(lambda: self._has_come_late(lane))
        self._unsubscribe("late")

    def _has_come_late(self, lane: Lane) -> bool:
        with suppress(ClientError):  # no attempt has failed yet
            self.lakehook.client("dynamodb").update_item(
                TableName=self.lakehook.deployment.deliveries_table,
                Key=to_item({Table.PARTITION_KEY: str(lane), Table.SORT_KEY: LANE}),
                UpdateExpression="SET due_at = :due_at",
                ConditionExpression="attribute_exists(due_at)",
                ExpressionAttributeValues=to_item({":due_at": to_milliseconds(time.time() - 300)}),
            )
        return self.log.has_counted(names.SCHEDULER_LAG)

    def _unsubscribe(self, name: str) -> None:
        service = open_service(STACK, print)
        service.unsubscribe(service.find_subscription(self.ids[name]), discard_waiting=True)

    def _operators(self) -> None:
        """Call the API, and replay the deliveries of the good subscriber."""
        self._call("subscriptions")
        self._call("subscriptions/nobody")
        self._until(names.API_REQUESTS, names.API_CLIENT_ERRORS)
        service = open_service(STACK, print)
        terms = service.start_replay.criteria(ReplayRequest(since="1h", status="delivered"))
        service.start_replay(service.find_subscription(self.ids["good"]), terms)
        self._until(names.REPLAYED)

    def _call(self, path: str) -> None:
        requests.get(self.lakehook.deployment.api_url + path, timeout=180)

    def _out_of_order(self) -> None:
        (running,) = pipeline_events(RUNNING)
        self._publish(running)
        self._until(names.EVENTS_INFERRED)
        self._publish(_as(running, CREATED))
        self._publish(*pipeline_events(CREATED, COMPLETED, RUNNING))
        self._until(names.EVENTS_DEDUPLICATED, names.EVENTS_STALE)

    def _internal_errors(self) -> None:
        """Delete what the functions need; last, as nothing works after it."""
        self._dead_letter_queues_are_gone()
        self._subscriptions_table_is_gone()
        self._events_queue_is_gone()

    def _dead_letter_queues_are_gone(self) -> None:
        deployment, sqs = self.lakehook.deployment, self.lakehook.client("sqs")
        sqs.delete_queue(QueueUrl=deployment.dead_letter_queue_url)
        sqs.delete_queue(QueueUrl=deployment.events_dead_letter_queue_url)
        self._subscribe("lost", lambda _: ERROR)
        self._publish(*pipeline_events())
        self._send_message("39", "nothing that is known", deployment.events_queue_url)
        self._until_counted_by(names.INTERNAL_ERRORS, "deliver", "fanout")

    def _subscriptions_table_is_gone(self) -> None:
        """Delete the subscriptions while a replay is open, which it is for a minute."""
        service = open_service(STACK, print)
        terms = service.start_replay.criteria(ReplayRequest(since="1h"))
        service.start_replay.for_new(service.find_subscription(self.ids["lost"]), terms)
        tables = self.lakehook.client("dynamodb")
        tables.delete_table(TableName=self.lakehook.deployment.subscriptions_table)
        self._call("subscriptions")
        self._until(names.API_SERVER_ERRORS)
        self._until_counted_by(names.INTERNAL_ERRORS, "scheduler", "api")

    def _events_queue_is_gone(self) -> None:
        deployment = self.lakehook.deployment
        self.lakehook.client("sqs").delete_queue(QueueUrl=deployment.events_queue_url)
        devlake = DevLake(deployment.ingress_url, self.lakehook.notification_secret)
        devlake.create(devlake.add_blueprint("lake"))
        self._until_counted_by(names.INTERNAL_ERRORS, "ingress")

    def _until_counted_by(self, name: str, *services: str) -> None:
        def has_counted() -> bool:
            counted = {
                next(iter(metric.dimensions)) for metric in self.log.values if metric.name == name
            }
            return counted >= {("service", service) for service in services}

        eventually(has_counted, what=lambda: f"{name} of {services}")


def _as(event: Event, event_type: str) -> Event:
    return Event.from_document(event.document | {"event_type": event_type})


def play(log: FunctionLog) -> None:
    devlake = DevLake("http://127.0.0.1:9")
    with (
        log.at.open("ab") as sink,
        serving_rest(devlake.rest) as api_url,
        LocalLakehook(replace(OPTIONS, sink=sink.fileno(), devlake_api_url=api_url)) as lakehook,
        ExitStack() as exits,
    ):
        Scenario(lakehook, log, exits, devlake).run()
