"""Is an endpoint there, and does its owner agree?"""

from collections.abc import Callable

from local.receiver import OK, Arrival, CannedResponse, Receiver
from tests.e2e.conftest import Publish
from tests.e2e.evidence import Evidence
from tests.e2e.pipelines import arrived_sequences, pipeline_events
from tests.e2e.subscribers import Subscribers
from tests.e2e.terminal import Terminal
from tests.integration.eventually import PATIENCE, eventually


def echo(arrival: Arrival) -> int | CannedResponse:
    challenge = arrival.body.get("challenge")
    return CannedResponse(OK, {}, challenge.encode()) if challenge else OK


def says(body: bytes) -> Callable[[Arrival], CannedResponse]:
    return lambda _: CannedResponse(OK, {}, body)


def test_nothing_but_challenges_goes_out_before_one_is_echoed(
    subscribers: Subscribers, terminal: Terminal, publish: Publish, evidence: Evidence
):
    receiver = Receiver("newcomer", says(b"what?"))
    subscription_id = subscribers.add(receiver, "--challenge", code=1)
    early, events = pipeline_events(), pipeline_events()
    publish(early)
    eventually(evidence.nothing_is_under_way)

    receiver.behaviour = echo
    ping = terminal.json("subscriptions", "test", subscription_id)
    publish(events)

    assert ping["state"] == "active"
    assert receiver.wait_for(2 + len(events), within=PATIENCE)
    assert [arrival.event_type for arrival in receiver.arrivals[:2]] == ["PING", "PING"]
    assert arrived_sequences(receiver, early) == []
    assert arrived_sequences(receiver, events) == [1, 2, 3]
