"""Recovery: an endpoint that was down gets everything, in order."""

from lakehook.domain.delivery import Lane
from local.receiver import OK, Arrival, Receiver
from tests.e2e.conftest import Publish
from tests.e2e.evidence import Evidence
from tests.e2e.pipelines import pipeline_events
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


def test_an_endpoint_that_was_down_gets_every_pipeline_once_it_is_up(
    subscribers: Subscribers, publish: Publish, evidence: Evidence
):
    switch = Switch()
    receiver = Receiver("recovering", switch)
    subscription_id = subscribers.add(receiver, "--retry-schedule", ",".join(["2"] * 20))
    pipelines = [pipeline_events() for _ in range(12)]
    publish(by_turns(pipelines))
    lanes = [Lane(subscription_id, events[0].pipeline_id) for events in pipelines]
    eventually(lambda: sum(len(evidence.records(lane)) for lane in lanes) == 36)
    attempts_while_down = len(receiver.arrivals)
    switch.up = True

    assert receiver.wait_until_taken(36, within=PATIENCE)

    assert attempts_while_down < 36, "the breaker has kept most of them from being tried"
    sequences = [(arrival.pipeline, arrival.sequence) for arrival in receiver.taken]
    for events in pipelines:
        assert [n for pipeline, n in sequences if pipeline == events[0].pipeline_id] == [1, 2, 3]
