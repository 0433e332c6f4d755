"""A subscription that is removed: nothing more goes out, and what it held is given up."""

from lakehook.domain.delivery import Lane
from lakehook.domain.lane import DeliveryStatus
from local.receiver import Receiver
from tests.e2e.conftest import Publish
from tests.e2e.evidence import Evidence
from tests.e2e.pipelines import a_life, heard
from tests.e2e.subscribers import Subscribers
from tests.e2e.terminal import Terminal
from tests.integration.eventually import PATIENCE, eventually

ERROR = 500


def test_what_a_removed_subscription_held_is_discarded_and_it_gets_nothing_more(
    subscribers: Subscribers, publish: Publish, evidence: Evidence, terminal: Terminal
):
    leaving, staying = Receiver("leaving", lambda _: ERROR), Receiver("staying")
    subscription = subscribers.add(leaving, "--retry-schedule", "0.1")
    subscribers.add(staying)
    life = a_life()
    lane = Lane(subscription, life[0].pipeline_id)
    publish(life[:2])
    eventually(lambda: evidence.statuses(lane) == [DeliveryStatus.DEAD, DeliveryStatus.WAITING])

    refused = terminal("subscriptions", "remove", subscription)
    complaint = terminal.complaint
    removed = terminal.json("subscriptions", "remove", subscription, "--discard-waiting")
    had = len(leaving.arrivals)
    publish(life[2:])

    assert refused == 1
    assert "1 waiting delivery and 1 dead letter in 1 lane; --discard-waiting" in complaint
    assert removed["discarded"] == {"waiting": 1, "dead": 1, "lanes": 1}
    eventually(lambda: evidence.statuses(lane) == [DeliveryStatus.DISCARDED] * 2)
    assert staying.wait_for(3, within=PATIENCE)
    assert heard(staying, life) == [1, 2, 3]
    assert len(leaving.arrivals) == had
