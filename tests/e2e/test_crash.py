"""Processes that are killed outright: nothing is lost, and no order is."""

from threading import Event as Signal

import pytest

from local.installation import LocalLakehook
from local.receiver import OK, Arrival, Receiver
from tests.e2e.conftest import Publish
from tests.e2e.kills import kill
from tests.e2e.pipelines import a_life, heard, of_pipeline
from tests.e2e.subscribers import Subscribers
from tests.integration.eventually import PATIENCE, eventually

BOTH = ("functions.fanout", "functions.deliver")

pytestmark = pytest.mark.usefixtures("soon_visible_again")


def test_a_delivery_whose_sender_is_killed_comes_again_by_the_same_id(
    subscribers: Subscribers, publish: Publish, lakehook: LocalLakehook
):
    released = Signal()

    def hang(_: Arrival) -> int:
        released.wait(PATIENCE)
        return OK

    receiver = Receiver("witness", hang)
    subscribers.add(receiver, "--deadline", "20")
    life = a_life()
    publish(life)
    assert receiver.wait_for(1, within=PATIENCE)

    killed = kill(lakehook, "functions.deliver")
    released.set()

    assert killed
    assert receiver.wait_for(4, within=PATIENCE)
    assert heard(receiver, life) == [1, 1, 2, 3]
    first, second, *_ = of_pipeline(receiver, life)
    assert first.id == second.id
    assert first.raw == second.raw
    assert all(arrival.genuine for arrival in receiver.arrivals)


def test_however_often_processes_are_killed_everything_comes_in_order(
    subscribers: Subscribers, publish: Publish, lakehook: LocalLakehook
):
    receiver = Receiver("witness")
    subscribers.add(receiver)
    lives = [a_life() for _ in range(24)]
    publish([event for life in lives for event in life])

    for count, functions in ((2, BOTH), (36, ("functions.deliver",))):
        assert receiver.wait_for(count, within=PATIENCE)
        assert kill(lakehook, *functions)

    eventually(lambda: len({arrival.id for arrival in list(receiver.arrivals)}) == 72)
    for life in lives:
        assert heard(receiver, life) == sorted(heard(receiver, life))
        assert set(heard(receiver, life)) == {1, 2, 3}
