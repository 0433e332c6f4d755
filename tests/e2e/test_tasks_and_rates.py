"""Events of tasks, for whoever asks for them; and subscribers that want no more than so many."""

import time

from lakehook.domain.event import Event, EventType
from local.receiver import Receiver
from tests.builders import an_event
from tests.e2e.conftest import Publish
from tests.e2e.pipelines import COMPLETED, CREATED, RUNNING, a_life, heard, of_pipeline
from tests.e2e.subscribers import Subscribers
from tests.e2e.terminal import Terminal
from tests.integration.eventually import PATIENCE

STARTED, FINISHED = EventType.TASK_RUNNING, EventType.TASK_COMPLETED


def with_tasks() -> list[Event]:
    """A pipeline of two tasks, as a producer that tells of them says it."""
    created, running, completed = a_life(CREATED, RUNNING, COMPLETED)
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


def test_tasks_are_told_in_their_pipelines_order_to_those_alone_that_asked(
    subscribers: Subscribers, publish: Publish
):
    curious, usual = Receiver("curious"), Receiver("usual")
    wanted = [CREATED, STARTED, FINISHED, COMPLETED]
    subscribers.add(curious, *(word for one in wanted for word in ("--event-type", str(one))))
    subscribers.add(usual)
    events = with_tasks()

    publish(events)

    assert curious.wait_for(6, within=PATIENCE)
    assert usual.wait_for(3, within=PATIENCE)
    assert heard(curious, events) == [1, 3, 4, 5, 6, 7]
    assert heard(usual, events) == [1, 2, 7]
    tasks = [one.body.get("task", {}).get("id") for one in of_pipeline(curious, events)]
    assert tasks == [None, 1, 1, 2, 2, None]


def test_what_is_over_the_rate_comes_later_in_order_and_spends_no_attempt(
    subscribers: Subscribers, publish: Publish, terminal: Terminal
):
    receiver = Receiver("patient")
    subscription = subscribers.add(receiver, "--rate", "3/s")
    lives = [a_life() for _ in range(3)]

    began = time.time()  # of the first nobody knows how long it was on its way
    publish([life[step] for step in range(3) for life in lives])

    assert receiver.wait_for(9, within=PATIENCE)
    assert all(heard(receiver, life) == [1, 2, 3] for life in lives)
    assert max(arrival.at for arrival in receiver.arrivals) - began > 8 / 3
    deliveries = terminal.json("deliveries", "list", "--subscription", subscription)
    assert {delivery["attempts"] for delivery in deliveries} == {1}
