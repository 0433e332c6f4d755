"""A subscription that is removed: nothing more goes out, and what it held is given up."""

from lakehook.domain.delivery import Lane
from lakehook.domain.lane import DeliveryStatus
from local.receiver import Receiver
from tests.e2e.conftest import Publish
from tests.e2e.evidence import Evidence
from tests.e2e.pipelines import arrived_sequences, pipeline_events
from tests.e2e.subscribers import Subscribers
from tests.e2e.terminal import Terminal
from tests.integration.eventually import PATIENCE, eventually

ERROR = 500


def test_a_removed_subscription_discards_its_held_deliveries_and_gets_no_more(
    subscribers: Subscribers, publish: Publish, evidence: Evidence, terminal: Terminal
):
    leaving, staying = Receiver("leaving", lambda _: ERROR), Receiver("staying")
    subscription = subscribers.add(leaving, "--retry-schedule", "0.1")
    subscribers.add(staying)
    events = pipeline_events()
    lane = Lane(subscription, events[0].pipeline_id)
    publish(events[:2])
    eventually(lambda: evidence.statuses(lane) == [DeliveryStatus.DEAD, DeliveryStatus.WAITING])

    refused = terminal("subscriptions", "remove", subscription)
    stderr = terminal.stderr
    removed = terminal.json("subscriptions", "remove", subscription, "--discard-waiting")
    count_before = len(leaving.arrivals)
    publish(events[2:])

    assert refused == 1
    assert "1 waiting delivery and 1 dead letter in 1 lane; --discard-waiting" in stderr
    assert removed["discarded"] == {"waiting": 1, "dead": 1, "lanes": 1}
    eventually(lambda: evidence.statuses(lane) == [DeliveryStatus.DISCARDED] * 2)
    assert staying.wait_for(3, within=PATIENCE)
    assert arrived_sequences(staying, events) == [1, 2, 3]
    assert len(leaving.arrivals) == count_before
