"""Rare cases whose calls of AWS no other test makes."""

import time
from dataclasses import replace

from lakehook.adapters.dynamodb.endpoints import DynamoEndpointHealthStore
from lakehook.delivery.scheduler import MAX_INDEX_LAG_SECONDS
from lakehook.domain.event import Event, EventType
from lakehook.domain.json_document import to_json
from local.installation import LocalLakehook
from local.receiver import OK, Arrival, Receiver
from local.runtime_api import InvocationResult
from tests.builders import an_event
from tests.e2e.conftest import STALLING, Publish
from tests.e2e.pipelines import CREATED, arrivals_of, arrived_sequences, pipeline_events
from tests.e2e.subscribers import Subscribers
from tests.e2e.terminal import Terminal
from tests.integration.eventually import PATIENCE, eventually

ERROR, GONE = 500, 410
SLOW = ("--retry-schedule", "90,90")


class Switch:
    """A receiver's behaviour: down until it is up."""

    up = False

    def __call__(self, _: Arrival) -> int:
        return OK if self.up else ERROR


def pipelines(number: int) -> list[Event]:
    return [event for _ in range(number) for event in pipeline_events(CREATED)]


def healths_of(lakehook: LocalLakehook) -> DynamoEndpointHealthStore:
    return DynamoEndpointHealthStore(
        lakehook.client("dynamodb"), lakehook.deployment.deliveries_table
    )


def breaker_is_open(lakehook: LocalLakehook, subscription_id: str) -> bool:
    return healths_of(lakehook).find(subscription_id).due_at is not None


def bring_down(
    lakehook: LocalLakehook, subscription_id: str, receiver: Receiver, publish: Publish
) -> None:
    """Fail one attempt after another: of concurrent ones some may go uncounted."""
    deadline = time.monotonic() + PATIENCE
    while not breaker_is_open(lakehook, subscription_id):
        assert time.monotonic() < deadline
        count_before = len(receiver.arrivals)
        publish(pipelines(1))
        receiver.wait_for(count_before + 1, within=1)


def bring_forward(lakehook: LocalLakehook, subscription_id: str, seconds: float = 90) -> None:
    """Shift the due times: a breaker is probed after a minute and a half."""
    health = healths_of(lakehook).find(subscription_id)
    due_at = health.due_at and health.due_at - seconds
    due = replace(health, due_at=due_at, version=health.version + 1)
    assert healths_of(lakehook).save(health, due)


def test_a_pipeline_that_stays_in_a_state_for_too_long_is_reported_stalled(
    subscribers: Subscribers, publish: Publish
):
    receiver = Receiver("watching")
    subscribers.add(receiver)
    (created,) = events = [an_event(pipeline_id=4999, event_type=CREATED, project_name=STALLING)]

    publish(events)

    assert receiver.wait_until_taken(2, within=PATIENCE)
    types = [arrival.event_type for arrival in arrivals_of(receiver, events)]
    assert types == [created.type, EventType.PIPELINE_STALLED]


def test_an_event_that_comes_back_to_fan_out_goes_on_its_way(
    lakehook: LocalLakehook, subscribers: Subscribers
):
    """Invoke fan-out as after a crash, without waiting for the queue."""
    receiver = Receiver("patient")
    subscribers.add(receiver)
    (created,) = events = pipeline_events(CREATED)
    attributes = {
        "MessageGroupId": created.pipeline_key,
        "ApproximateReceiveCount": "2",
    }
    record = {
        "messageId": created.id,
        "receiptHandle": "expired",
        "body": to_json(created.document),
        "attributes": attributes,
    }

    (fan_out,) = (function for name, function in lakehook.functions.items() if "Fanout" in name)
    answer = fan_out.invoke({"Records": [record]})

    assert answer == InvocationResult(b'{"batchItemFailures": []}')
    assert receiver.wait_until_taken(1, within=PATIENCE)
    assert arrived_sequences(receiver, events) == [1]


def test_an_endpoint_that_says_it_is_gone_is_not_called_again(
    subscribers: Subscribers, publish: Publish, terminal: Terminal
):
    receiver = Receiver("gone", lambda _: GONE)
    subscription_id = subscribers.add(receiver)

    publish(pipeline_events(CREATED))

    assert receiver.wait_for(1, within=PATIENCE)
    show = ("subscriptions", "show", subscription_id)
    eventually(lambda: "disabled" in str(terminal.json(*show)["state"]))
    assert len(receiver.arrivals) == 1


def test_a_breaker_behind_which_nothing_waits_any_more_is_forgotten(
    lakehook: LocalLakehook, subscribers: Subscribers, publish: Publish, terminal: Terminal
):
    receiver = Receiver("leaving", lambda _: ERROR)
    subscription_id = subscribers.add(receiver, *SLOW)
    bring_down(lakehook, subscription_id, receiver, publish)

    terminal("subscriptions", "remove", subscription_id, "--discard-waiting")
    eventually(lambda: terminal.json("lanes", "list", "--subscription", subscription_id) == [])
    bring_forward(lakehook, subscription_id, seconds=90 + MAX_INDEX_LAG_SECONDS)

    eventually(lambda: not breaker_is_open(lakehook, subscription_id))
