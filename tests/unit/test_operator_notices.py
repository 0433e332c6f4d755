"""Operators are notified once of each new problem, with the subscription's name."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pytest

from lakehook.domain.circuit_breaker import EndpointHealth
from lakehook.domain.client_certificate import CertificateFacts, EncryptedClientCertificate
from lakehook.domain.health_history import (
    OperatorNotice,
    SubscriptionCondition,
    notices_between,
)
from lakehook.domain.lane import DeliveryRecord, HeldLane
from lakehook.domain.status import HealthState
from lakehook.domain.time import format_rfc3339
from lakehook.operations.notify_operators import MAX_NOTICES, NotifyOperators
from lakehook.ports.stores import Backlog
from tests.builders import a_delivery, a_subscription
from tests.fakes import NOON, FakeTelemetry
from tests.fakes_ops import FakeStack

INTERVAL = 300.0
WELL = SubscriptionCondition()
DOWN = SubscriptionCondition(is_down=True)
DEAD_LETTERS = OperatorNotice.DEAD_LETTERS


@dataclass
class FakeConditionStore:
    looked_at: float = 0.0
    conditions: Mapping[str, SubscriptionCondition] = field(default_factory=dict)

    def load(self) -> tuple[float, Mapping[str, SubscriptionCondition]]:
        return self.looked_at, self.conditions

    def save(self, looked_at: float, conditions: Mapping[str, SubscriptionCondition]) -> None:
        self.looked_at, self.conditions = looked_at, dict(conditions)


@dataclass
class FakeTopic:
    published: list[tuple[str, str]] = field(default_factory=list)
    error: Exception | None = None

    def publish(self, subject: str, text: str) -> None:
        if self.error:
            raise self.error
        self.published.append((subject, text))


class Watch:
    """Operator notices over a stack of fakes, checked every five minutes."""

    def __init__(self) -> None:
        self.stack, self.topic, self.telemetry = FakeStack(), FakeTopic(), FakeTelemetry()
        self.conditions = FakeConditionStore()
        self.notify = NotifyOperators(
            show_status=self.stack.service().show_status,
            conditions=self.conditions,
            history=self.stack.health_history,
            topic=self.topic,
            clock=self.stack.clock,
            telemetry=self.telemetry,
            stack="Lakehook",
            interval_seconds=INTERVAL,
        )

    def subscribe(self, name: str, **changes: object) -> str:
        id_ = f"sub_{len(self.stack.subscriptions.by_id)}"
        self.stack.subscriptions.by_id[id_] = a_subscription(id=id_, name=name, **changes)
        return id_

    def break_down(self, id_: str, *, failing_for: float = 1080.0) -> None:
        now = self.stack.clock.now()
        self.stack.healths.by_subscription[id_] = EndpointHealth(
            subscription_id=id_, failures=9, failing_since=now - failing_for, due_at=now + 40
        )

    def add_dead_letter(self, id_: str, pipeline: int) -> None:
        record = DeliveryRecord.waiting(a_delivery(1, subscription=id_, pipeline_id=pipeline))
        held = HeldLane.held_at(record.lane, 1, now=NOON).with_dead_head()
        self.stack.ledger.save(record.dead("rejected"), before=None, after=held)

    def look(self) -> list[str]:
        """Check once more, and return the published lines."""
        self.stack.clock.time += INTERVAL
        before = len(self.topic.published)
        self.notify()
        return [line for _, text in self.topic.published[before:] for line in text.splitlines()]


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.mark.parametrize(
    ("before", "after", "notices"),
    [
        (WELL, WELL, []),
        (WELL, DOWN, [OperatorNotice.ENDPOINT_DOWN]),
        (DOWN, DOWN, []),
        (DOWN, WELL, [OperatorNotice.RECOVERED]),
        (DOWN, SubscriptionCondition(is_disabled=True), [OperatorNotice.SUBSCRIPTION_DISABLED]),
        (replace(WELL, dead_letters=2), replace(WELL, dead_letters=3), [DEAD_LETTERS]),
        (replace(WELL, dead_letters=3), replace(WELL, dead_letters=2), []),
        (WELL, replace(DOWN, dead_letters=1), [OperatorNotice.ENDPOINT_DOWN, DEAD_LETTERS]),
    ],
)
def test_a_notice_is_of_what_is_new(
    before: SubscriptionCondition, after: SubscriptionCondition, notices: list[OperatorNotice]
) -> None:
    assert list(notices_between(before, after)) == notices


def test_a_healthy_stack_publishes_nothing_and_measures_the_backlog(watch: Watch) -> None:
    watch.subscribe("ci")

    assert watch.look() == []
    watch.stack.clock.time += INTERVAL - 1
    assert watch.notify() == 0  # it is not time yet, and nothing is read
    assert watch.telemetry.reports == [("backlog_measured", Backlog())]
    assert watch.conditions.conditions == {}


def test_each_endpoint_that_is_down_is_named_once_with_a_remedy(watch: Watch) -> None:
    first, second = watch.subscribe("ci"), watch.subscribe("值班群")
    watch.break_down(first)

    lines = watch.look()
    watch.break_down(second)
    later = watch.look()

    assert lines[0] == f"OPERATIONS_ENDPOINT_DOWN: ci ({first})"
    assert "  lakehook subscriptions pause ci" in lines
    assert "  docs/runbook.md#breakersopen" in lines
    assert f"  Behind the address of your lakehook console: /subscriptions/{first}" in lines
    assert lines[-1] == "All of it: lakehook status --stack Lakehook"
    assert [line for line in later if line.startswith("OPERATIONS")] == [
        f"OPERATIONS_ENDPOINT_DOWN: 值班群 ({second})"
    ]
    assert watch.look() == []
    subjects = [subject for subject, _ in watch.topic.published]
    assert subjects == ["Lakehook: 1 new, look at lakehook status"] * 2


def test_a_client_certificate_that_expires_soon_is_named_once_and_its_successor_ends_it(
    watch: Watch,
) -> None:
    def certificate(days: float) -> EncryptedClientCertificate:
        expires_at = NOON + days * 86400
        facts = CertificateFacts(
            subject="CN=ci", fingerprint="ab", not_before=0, expires_at=expires_at
        )
        return EncryptedClientCertificate(
            certificates="", encrypted_key=b"", facts=facts, created_at=""
        )

    id_ = watch.subscribe("ci", client_certificate=certificate(30))
    lines = watch.look()

    assert lines[0] == f"OPERATIONS_CERTIFICATE_EXPIRES: ci ({id_})"
    assert "  Its client certificate expires at 2026-01-31T12:00:00.000+00:00." in lines
    command = "lakehook subscriptions set-client-certificate ci --certificate FILE --key FILE"
    assert f"  {command}" in lines
    assert "  docs/deploy.md#private-receivers" in lines
    assert watch.look() == []
    watch.stack.subscriptions.by_id[id_] = a_subscription(
        id=id_, name="ci", client_certificate=certificate(90)
    )
    assert watch.look()[0] == f"OPERATIONS_RECOVERED: ci ({id_})"


def test_an_endpoint_that_is_down_for_a_minute_causes_no_notice(watch: Watch) -> None:
    watch.break_down(watch.subscribe("ci"), failing_for=60.0)

    assert watch.look() == []


def test_more_dead_letters_notify_again_and_a_recovery_is_notified(watch: Watch) -> None:
    id_ = watch.subscribe("ci")
    watch.add_dead_letter(id_, 1)
    first = watch.look()
    watch.add_dead_letter(id_, 2)
    second = watch.look()
    watch.stack.ledger.lanes.clear()
    watch.stack.ledger.records.clear()
    third = watch.look()

    assert f"OPERATIONS_DEAD_LETTERS: ci ({id_})" == first[0] == second[0]
    assert "  Pipelines that wait: 2. Dead letters: 2." in second
    assert third[0] == f"OPERATIONS_RECOVERED: ci ({id_})"
    assert watch.look() == []


def test_the_worst_comes_first_and_a_message_is_bounded(watch: Watch) -> None:
    for number in range(MAX_NOTICES + 5):
        watch.break_down(watch.subscribe(f"down-{number}"))
    watch.subscribe("off", disabled_reason="410", disabled_at="2026-01-01T11:00:00.000+00:00")

    lines = watch.look()
    headlines = [line for line in lines if line.startswith("OPERATIONS")]

    assert headlines[0].startswith("OPERATIONS_SUBSCRIPTION_DISABLED: off")
    assert "  It is disabled since 2026-01-01T11:00:00.000+00:00: 410." in lines
    assert len(headlines) == MAX_NOTICES
    assert "and 6 more" in lines


def test_a_notice_that_could_not_be_published_is_published_at_the_next_run(watch: Watch) -> None:
    watch.break_down(watch.subscribe("ci"))
    watch.topic.error = ConnectionError("no route to SNS")
    with pytest.raises(ConnectionError):
        watch.look()

    watch.topic.error = None
    watch.notify()

    assert "OPERATIONS_ENDPOINT_DOWN: ci" in watch.topic.published[0][1]
    assert len(watch.stack.health_history.changes) == 1


def test_each_change_of_health_is_kept_with_its_time(watch: Watch) -> None:
    """A pause by an operator is no problem: nobody is notified, and it is in the history."""
    down, paused = watch.subscribe("down"), watch.subscribe("paused")
    watch.look()
    assert watch.stack.health_history.changes == []

    long_ago = format_rfc3339(NOON - 9000)
    watch.stack.subscriptions.by_id[paused] = a_subscription(id=paused, paused_at=long_ago)
    watch.stack.clock.time += 200
    watch.break_down(down, failing_for=120.0)
    watch.look()
    watch.look()
    watch.stack.healths.by_subscription.clear()
    watch.look()

    changes = {
        (change.subscription_id, change.after): change.at - NOON
        for change in watch.stack.health_history.changes
    }
    assert changes == {
        (down, HealthState.DOWN): INTERVAL + 80,
        (paused, HealthState.PAUSED): INTERVAL,  # not seen at the check before
        (down, HealthState.OK): 4 * INTERVAL + 200,
    }
    assert len(watch.stack.health_history.changes) == len(changes)
