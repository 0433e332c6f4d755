"""Events of tasks for the subscribers that choose them, and subscribers with a rate limit."""

import time

from lakehook.domain.event import Event, EventType
from local.receiver import Receiver
from tests.builders import an_event
from tests.e2e.conftest import Publish
from tests.e2e.evidence import Evidence
from tests.e2e.pipelines import (
    COMPLETED,
    CREATED,
    RUNNING,
    arrivals_of,
    arrived_sequences,
    pipeline_events,
)
from tests.e2e.subscribers import Subscribers
from tests.e2e.terminal import Terminal
from tests.integration.eventually import PATIENCE, eventually

STARTED, FINISHED = EventType.TASK_RUNNING, EventType.TASK_COMPLETED


def with_tasks() -> list[Event]:
    """A pipeline of two tasks, as a producer that tells of them says it."""
    created, running, completed = pipeline_events(CREATED, RUNNING, COMPLETED)
    tasks = [
        an_event(
            pipeline_id=int(created.pipeline_id),
            event_type=str(event_type),
            project_name="数据湖",
            task={"id": number, "plugin": "github"},
        )
        for number in (1, 2)
        for event_type in (STARTED, FINISHED)
    ]
    return [created, running, *tasks, completed]


def test_task_events_go_in_order_to_those_subscribers_alone_that_chose_them(
    subscribers: Subscribers, publish: Publish
):
    curious, usual = Receiver("curious"), Receiver("usual")
    wanted_types = [CREATED, STARTED, FINISHED, COMPLETED]
    subscribers.add(
        curious, *(argument for type_ in wanted_types for argument in ("--event-type", str(type_)))
    )
    subscribers.add(usual)
    events = with_tasks()

    publish(events)

    assert curious.wait_for(6, within=PATIENCE)
    assert usual.wait_for(3, within=PATIENCE)
    assert arrived_sequences(curious, events) == [1, 3, 4, 5, 6, 7]
    assert arrived_sequences(usual, events) == [1, 2, 7]
    tasks = [arrival.body.get("task", {}).get("id") for arrival in arrivals_of(curious, events)]
    assert tasks == [None, 1, 1, 2, 2, None]


def test_deliveries_over_the_rate_come_later_in_order_and_spend_no_attempt(
    subscribers: Subscribers, publish: Publish, terminal: Terminal, evidence: Evidence
):
    receiver = Receiver("patient")
    subscription = subscribers.add(receiver, "--rate", "3/s")
    pipelines = [pipeline_events() for _ in range(3)]

    began = time.time()  # of the first nobody knows how long it was on its way
    publish([events[step] for step in range(3) for events in pipelines])

    assert receiver.wait_for(9, within=PATIENCE)
    assert all(arrived_sequences(receiver, events) == [1, 2, 3] for events in pipelines)
    assert max(arrival.at for arrival in receiver.arrivals) - began > 8 / 3
    eventually(evidence.nothing_is_under_way)  # an arrival is there before its record is
    deliveries = terminal.json("deliveries", "list", "--subscription", subscription)
    assert {delivery["attempts"] for delivery in deliveries} == {1}
