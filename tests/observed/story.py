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
from tests.e2e.pipelines import COMPLETED, CREATED, RUNNING, a_life
from tests.integration.eventually import eventually
from tests.observed.heard import Heard

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
class Story:
    lakehook: LocalLakehook
    heard: Heard
    exits: ExitStack
    devlake: DevLake
    ids: dict[str, str] = field(default_factory=dict)

    def tell(self) -> None:
        self._subscribe("good", polite)
        self._good_and_late()
        self._devlake()
        self._bad_receivers()
        self._late()
        self._operators()
        self._out_of_order()
        self._our_own_trouble()

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

    def _say(self, group: str, body: str, queue_url: str) -> None:
        """As SQS takes it when it has forgotten that it had it."""
        self.lakehook.client("sqs").send_message(
            QueueUrl=queue_url,
            MessageBody=body,
            MessageGroupId=group,
            MessageDeduplicationId=str(uuid4()),
        )

    def _until(self, *counted: str) -> None:
        eventually(
            lambda: all(map(self.heard.has_counted, counted)),
            what=lambda: f"of {counted}: {[*filterfalse(self.heard.has_counted, counted)]}",
        )

    def _good_and_late(self) -> None:
        life = a_life()
        self._publish(*life)
        self._until(names.DELIVERED)
        self._say(
            life[-1].pipeline_id,
            json.dumps(life[-1].document),
            self.lakehook.deployment.events_queue_url,
        )
        self._publish(_as(life[-1], EventType.PIPELINE_STALLED))
        deployment = self.lakehook.deployment
        for queue_url in (deployment.events_queue_url, deployment.deliveries_queue_url):
            self._say("39", "nothing that is known", queue_url)
        self._until(names.EVENTS_REDELIVERED, names.STALLS_DISCARDED)
        self._until_told(names.INVALID_MESSAGES, "fanout", "deliver")

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
        """One lane opens no breaker, so its head dies by itself; and then it stays held.

        Several lanes that fail do open it, for as long as they are there. That they are given up
        wakes them for certain: the clock alone does that, and by then nobody else is in them.
        """
        self._subscribe("leaving", lambda _: GONE)
        self._subscribe("down", lambda _: ERROR)
        self._publish(*a_life())
        self._until(
            names.FAILED, names.DEAD, names.DISABLED, names.LANES_HELD, names.OLDEST_HELD_LANE_AGE
        )
        for life in [a_life() for _ in range(4)]:
            self._publish(*life)
        self._until(names.BREAKERS_OPEN)
        self._unsubscribe("down")
        self._unsubscribe("leaving")
        self._until(names.LANES_RESUMED, names.DISCARDED)

    def _late(self) -> None:
        """A retry that was due five minutes ago, as if no tick had come since."""
        self._subscribe("late", lambda _: ERROR, retry_schedule="90,90")
        (created,) = a_life(CREATED)
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
        return self.heard.has_counted(names.SCHEDULER_LAG)

    def _unsubscribe(self, name: str) -> None:
        service = open_service(STACK, print)
        service.unsubscribe(service.find_subscription(self.ids[name]), discard_waiting=True)

    def _operators(self) -> None:
        """By HTTP, and a replay of what the good one has had."""
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
        (running,) = a_life(RUNNING)
        self._publish(running)
        self._until(names.EVENTS_INFERRED)
        self._publish(_as(running, CREATED))
        self._publish(*a_life(CREATED, COMPLETED, RUNNING))
        self._until(names.EVENTS_DEDUPLICATED, names.EVENTS_STALE)

    def _our_own_trouble(self) -> None:
        """Last, for nothing comes after it: what the functions need is taken away."""
        self._nothing_can_be_put_aside()
        self._nobody_knows_the_subscribers()
        self._no_notice_can_be_taken()

    def _nothing_can_be_put_aside(self) -> None:
        deployment, sqs = self.lakehook.deployment, self.lakehook.client("sqs")
        sqs.delete_queue(QueueUrl=deployment.dead_letter_queue_url)
        sqs.delete_queue(QueueUrl=deployment.events_dead_letter_queue_url)
        self._subscribe("lost", lambda _: ERROR)
        self._publish(*a_life())
        self._say("39", "nothing that is known", deployment.events_queue_url)
        self._until_told(names.INTERNAL_ERRORS, "deliver", "fanout")

    def _nobody_knows_the_subscribers(self) -> None:
        """A replay for a new one is open for a minute: until all know the subscription."""
        service = open_service(STACK, print)
        terms = service.start_replay.criteria(ReplayRequest(since="1h"))
        service.start_replay.for_new(service.find_subscription(self.ids["lost"]), terms)
        tables = self.lakehook.client("dynamodb")
        tables.delete_table(TableName=self.lakehook.deployment.subscriptions_table)
        self._call("subscriptions")
        self._until(names.API_SERVER_ERRORS)
        self._until_told(names.INTERNAL_ERRORS, "scheduler", "api")

    def _no_notice_can_be_taken(self) -> None:
        deployment = self.lakehook.deployment
        self.lakehook.client("sqs").delete_queue(QueueUrl=deployment.events_queue_url)
        devlake = DevLake(deployment.ingress_url, self.lakehook.notification_secret)
        devlake.create(devlake.add_blueprint("lake"))
        self._until_told(names.INTERNAL_ERRORS, "ingress")

    def _until_told(self, name: str, *services: str) -> None:
        def told() -> bool:
            counted = {next(iter(one.dimensions)) for one in self.heard.values if one.name == name}
            return counted >= {("service", service) for service in services}

        eventually(told, what=lambda: f"{name} of {services}")


def _as(event: Event, event_type: str) -> Event:
    return Event.from_document(event.document | {"event_type": event_type})


def play(heard: Heard) -> None:
    devlake = DevLake("http://127.0.0.1:9")
    with (
        heard.at.open("ab") as sink,
        serving_rest(devlake.rest) as api_url,
        LocalLakehook(replace(OPTIONS, sink=sink.fileno(), devlake_api_url=api_url)) as lakehook,
        ExitStack() as exits,
    ):
        Story(lakehook, heard, exits, devlake).tell()
