"""What was down comes up again, and hears everything, in order."""

from lakehook.domain.delivery import Lane
from local.receiver import OK, Arrival, Receiver
from tests.e2e.conftest import Publish
from tests.e2e.evidence import Evidence
from tests.e2e.pipelines import a_life
from tests.e2e.subscribers import Subscribers
from tests.e2e.test_isolation import by_turns
from tests.integration.eventually import PATIENCE, eventually

ERROR = 500


class Switch:
    """A receiver's behaviour: down until it is up."""

    def __init__(self) -> None:
        self.up = False

    def __call__(self, _: Arrival) -> int:
        return OK if self.up else ERROR


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
