"""What was down comes up again, and hears everything, in order."""

import threading

from lakehook.domain.delivery import Lane
from lakehook.domain.lane import DeliveryStatus
from local.receiver import OK, Arrival, Receiver
from tests.e2e.conftest import Publish
from tests.e2e.evidence import Evidence
from tests.e2e.pipelines import a_life, heard
from tests.e2e.subscribers import Subscribers
from tests.e2e.terminal import Terminal
from tests.e2e.test_isolation import by_turns
from tests.integration.eventually import PATIENCE, eventually

ERROR = 500


class Switch:
    """A receiver's behaviour: down until it is up."""

    def __init__(self) -> None:
        self.up = False

    def __call__(self, _: Arrival) -> int:
        return OK if self.up else ERROR


def test_a_redriven_letter_arrives_and_then_all_that_waited_behind_it(
    subscribers: Subscribers, publish: Publish, evidence: Evidence, terminal: Terminal
):
    switch = Switch()
    receiver = Receiver("mended", switch)
    subscription_id, life = subscribers.add(receiver, "--retry-schedule", "0.1"), a_life()
    lane = Lane(subscription_id, life[0].pipeline_id)
    publish(life)
    eventually(
        lambda: (
            evidence.statuses(lane)
            == [DeliveryStatus.DEAD, DeliveryStatus.WAITING, DeliveryStatus.WAITING]
        )
    )
    switch.up = True

    redriven = terminal.json("dead-letters", "redrive", f"{lane}#1")

    assert redriven["number"] == 1
    assert receiver.wait_until_taken(3, within=PATIENCE)
    assert [arrival.sequence for arrival in receiver.taken] == [1, 2, 3]
    assert len({arrival.id for arrival in receiver.arrivals}) == 3
    eventually(lambda: evidence.statuses(lane) == [DeliveryStatus.DELIVERED] * 3)
    assert terminal.json("dead-letters", "list", "--subscription", subscription_id) == []


def test_an_endpoint_that_was_down_hears_of_every_pipeline_once_it_is_up(
    subscribers: Subscribers, publish: Publish, evidence: Evidence
):
    switch = Switch()
    receiver = Receiver("recovering", switch)
    subscription_id = subscribers.add(receiver, "--retry-schedule", ",".join(["2"] * 20))
    lives = [a_life() for _ in range(12)]
    publish(by_turns(lives))
    lanes = [Lane(subscription_id, life[0].pipeline_id) for life in lives]
    eventually(lambda: sum(len(evidence.records(lane)) for lane in lanes) == 36)
    attempts_while_down = len(receiver.arrivals)
    switch.up = True

    assert receiver.wait_until_taken(36, within=PATIENCE)

    assert attempts_while_down < 36, "the breaker has kept most of them from being tried"
    taken = [(arrival.pipeline, arrival.sequence) for arrival in receiver.taken]
    for life in lives:
        assert [n for pipeline, n in taken if pipeline == life[0].pipeline_id] == [1, 2, 3]


def test_while_an_endpoint_hangs_its_pipelines_do_not_take_the_workers_of_others(
    subscribers: Subscribers, publish: Publish
):
    released = threading.Event()
    hanging = Receiver("hanging", lambda _: OK if released.wait(PATIENCE) else ERROR)
    prompt = Receiver("prompt")
    patient = ",".join(["3"] * 20)  # else a busy machine spends the budget before it is released
    subscribers.add(hanging, "--deadline", "2", "--retry-schedule", patient)
    subscribers.add(prompt)
    lives = [a_life() for _ in range(8)]

    publish(by_turns(lives))
    prompt_has_all = prompt.wait_for(24, within=PATIENCE)
    hanging_had = len(hanging.arrivals)
    released.set()

    assert prompt_has_all
    assert hanging_had < 24
    assert [heard(prompt, life) for life in lives] == [[1, 2, 3]] * 8
