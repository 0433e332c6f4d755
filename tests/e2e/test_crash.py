"""Processes that are killed outright: nothing is lost, and no order is."""

from collections.abc import Iterator
from threading import Event as Signal

import pytest

from local.installation import LocalLakehook
from local.receiver import OK, Arrival, Receiver
from tests.e2e.conftest import Publish
from tests.e2e.pipelines import a_life, heard, of_pipeline
from tests.e2e.subscribers import Subscribers
from tests.integration.eventually import eventually

PATIENCE = 20.0
VISIBILITY, VISIBLE_AGAIN_SECONDS = "VisibilityTimeout", 2


@pytest.fixture(autouse=True)
def _soon_visible_again(lakehook: LocalLakehook) -> Iterator[None]:
    """What a killed process had in its hands comes again after this, not after three minutes."""
    sqs, deployment = lakehook.client("sqs"), lakehook.deployment
    urls = (deployment.events_queue_url, deployment.deliveries_queue_url)
    usual = [sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[VISIBILITY]) for url in urls]
    for url in urls:
        sqs.set_queue_attributes(QueueUrl=url, Attributes={VISIBILITY: str(VISIBLE_AGAIN_SECONDS)})
    yield
    for url, was in zip(urls, usual, strict=True):
        sqs.set_queue_attributes(QueueUrl=url, Attributes=was["Attributes"])


def kill(lakehook: LocalLakehook, *handlers: str) -> int:
    """SIGKILL every process of these functions, and start a new one of each; how many died."""
    functions = [
        one for one in lakehook.functions.values() if one._spec.handler.startswith(handlers)
    ]
    processes = [process for function in functions for process in list(function._environments)]
    for process in processes:
        process.kill()
    for function in functions:
        function.start()
    return len(processes)


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
    lives = [a_life() for _ in range(10)]
    publish([event for life in lives for event in life])

    for count in (2, 15):
        assert receiver.wait_for(count, within=PATIENCE)
        assert kill(lakehook, "functions.fanout", "functions.deliver")

    eventually(lambda: len({arrival.id for arrival in list(receiver.arrivals)}) == 30)
    for life in lives:
        assert heard(receiver, life) == sorted(heard(receiver, life))
        assert set(heard(receiver, life)) == {1, 2, 3}
