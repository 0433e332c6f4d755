"""A tick of the scheduler over fakes, whose parts may also be run one by one."""

from typing import Any

from lakehook.ports.queues import DeliveryQueue
from lakehook.ports.stores import Ledger
from lakehook.ports.system import Clock
from lakehook.tick import Tick, TickPorts
from tests.builders import a_subscription
from tests.fakes import FakeJournal, FakeSubscriptions, FakeTelemetry
from tests.fakes_ingress import FakePublisher
from tests.fakes_replay import FakeReplayStore


def a_tick(ledger: Ledger, queue: DeliveryQueue, clock: Clock, **ports: Any) -> Tick:
    defaults: dict[str, Any] = {
        "endpoint_health": getattr(ledger, "healths", None),
        "subscriptions": FakeSubscriptions({"sub_a": a_subscription()}),
        "journal": FakeJournal(),
        "replays": FakeReplayStore(),
        "publish": FakePublisher().publish,
        "telemetry": FakeTelemetry(),
        "stall_thresholds": "{}",
        "notify": lambda: 0,
        "reconcile": lambda _ends_at: 0,
    }
    return Tick(TickPorts(ledger=ledger, queue=queue, clock=clock, **defaults | ports))
