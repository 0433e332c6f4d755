"""Processes that are killed outright: nothing is lost, and no order is."""

from threading import Event as Signal

import pytest

from local.installation import LocalLakehook
from local.receiver import OK, Arrival, Receiver
from tests.e2e.conftest import Publish
from tests.e2e.kills import kill
from tests.e2e.pipelines import arrivals_of, arrived_sequences, pipeline_events
from tests.e2e.subscribers import Subscribers
from tests.integration.eventually import PATIENCE, eventually

BOTH_FUNCTIONS = ("functions.fanout", "functions.deliver")

pytestmark = pytest.mark.usefixtures("soon_visible_again")


def test_a_delivery_whose_sender_is_killed_comes_again_by_the_same_id(
    subscribers: Subscribers, publish: Publish, lakehook: LocalLakehook
):
    release_receiver = Signal()

    def hang(_: Arrival) -> int:
        release_receiver.wait(PATIENCE)
        return OK

    receiver = Receiver("witness", hang)
    subscribers.add(receiver, "--deadline", "20")
    events = pipeline_events()
    publish(events)
    assert receiver.wait_for(1, within=PATIENCE)

    killed = kill(lakehook, "functions.deliver")
    release_receiver.set()

    assert killed
    assert receiver.wait_for(4, within=PATIENCE)
    assert arrived_sequences(receiver, events) == [1, 1, 2, 3]
    first, second, *_ = arrivals_of(receiver, events)
    assert first.id == second.id
    assert first.raw == second.raw
    assert all(arrival.genuine for arrival in receiver.arrivals)


def test_however_often_processes_are_killed_everything_comes_in_order(
    subscribers: Subscribers, publish: Publish, lakehook: LocalLakehook
):
    receiver = Receiver("witness")
    subscribers.add(receiver)
    pipelines = [pipeline_events() for _ in range(24)]
    publish([event for events in pipelines for event in events])

    for count, functions in ((2, BOTH_FUNCTIONS), (36, ("functions.deliver",))):
        assert receiver.wait_for(count, within=PATIENCE)
        assert kill(lakehook, *functions)

    eventually(lambda: len({arrival.id for arrival in list(receiver.arrivals)}) == 72)
    for events in pipelines:
        assert arrived_sequences(receiver, events) == sorted(arrived_sequences(receiver, events))
        assert set(arrived_sequences(receiver, events)) == {1, 2, 3}
