"""Attempts under way: those without a response for long are marked once each."""

from collections.abc import Callable

import pytest

from lakehook.delivery.circuit_breaker import MAX_ENDPOINTS, AttemptsUnderWay
from lakehook.domain.circuit_breaker import UNANSWERED_SECONDS
from lakehook.domain.errors import InfrastructureError
from tests.fakes import NOON, FakeClock, FakeTelemetry


class Endpoint:
    def __init__(self, during: Callable[[], None] = lambda: None) -> None:
        self.calls: list[str] = []
        self._during = during

    def mark_unanswered(self, since: float) -> None:
        self.calls.append(f"marked since {since - NOON}")
        self._during()

    def release_permit(self) -> None:
        self.calls.append("released")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def telemetry() -> FakeTelemetry:
    return FakeTelemetry()


@pytest.fixture
def attempts(clock: FakeClock, telemetry: FakeTelemetry) -> AttemptsUnderWay:
    return AttemptsUnderWay(clock, telemetry)


def test_an_attempt_is_marked_once_when_it_has_lasted_for_long(
    attempts: AttemptsUnderWay, clock: FakeClock
):
    endpoint, answered_endpoint = Endpoint(), Endpoint()
    attempts.end(attempts.watch(answered_endpoint, "sub_a", NOON))
    attempts.watch(endpoint, "sub_a", NOON)

    clock.sleep(UNANSWERED_SECONDS - 0.25)
    assert attempts.mark_unanswered() == 0.25
    clock.sleep(0.25)
    for _ in range(2):
        assert attempts.mark_unanswered() == UNANSWERED_SECONDS

    assert endpoint.calls == ["marked since 0.0"]
    assert answered_endpoint.calls == []


def test_an_attempt_that_ends_while_it_is_marked_is_released(
    attempts: AttemptsUnderWay, clock: FakeClock
):
    endpoint = Endpoint(lambda: attempts.end(attempt))
    attempt = attempts.watch(endpoint, "sub_a", NOON)
    clock.sleep(1)

    attempts.mark_unanswered()

    assert endpoint.calls == ["marked since 0.0", "released"]


def test_a_mark_that_fails_stops_no_batch(
    attempts: AttemptsUnderWay, clock: FakeClock, telemetry: FakeTelemetry
):
    def fail() -> None:
        raise InfrastructureError("throttled")

    attempts.watch(Endpoint(fail), "sub_a", NOON)
    clock.sleep(1)

    attempts.mark_unanswered()

    assert [name for name, _ in telemetry.reports] == ["internal_error"]


def test_an_endpoint_that_usually_takes_long_is_marked_later(
    attempts: AttemptsUnderWay, clock: FakeClock
):
    slow, quick = Endpoint(), Endpoint()
    for _ in range(20):
        attempts.learn("sub_slow", 0.9)
        attempts.learn("sub_quick", 0.02)
    attempts.watch(slow, "sub_slow", NOON)
    attempts.watch(quick, "sub_quick", NOON)

    clock.sleep(1.75)
    attempts.mark_unanswered()
    assert (slow.calls, len(quick.calls)) == ([], 1)

    clock.sleep(0.25)
    attempts.mark_unanswered()
    assert len(slow.calls) == 1


def test_an_endpoint_that_answered_late_once_is_marked_before_its_deadline(
    attempts: AttemptsUnderWay, clock: FakeClock
):
    endpoint = Endpoint()
    attempts.learn("sub_a", 9.0)
    attempts.watch(endpoint, "sub_a", NOON)

    clock.sleep(4)
    attempts.mark_unanswered()

    assert len(endpoint.calls) == 1


def test_usual_durations_are_remembered_of_the_latest_endpoints(attempts: AttemptsUnderWay):
    attempts.learn("first", 5.0)
    for number in range(MAX_ENDPOINTS):
        attempts.learn(f"later {number}", 0.1)

    forgotten = attempts.watch(Endpoint(), "first", NOON)

    assert forgotten.unanswered_at == NOON + UNANSWERED_SECONDS
