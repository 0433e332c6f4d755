"""A stack with everything that the console shows, and a browser that is logged in."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import cos, pi, sin
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from jinja2.bccache import Bucket, BytecodeCache
from werkzeug.test import TestResponse

from lakehook.cli.context import CommandService
from lakehook.console.access import Access
from lakehook.console.app import create_app
from lakehook.console.context import Console, ConsoleOptions
from lakehook.domain.attempt import Attempt, Outcome
from lakehook.domain.circuit_breaker import EndpointHealth
from lakehook.domain.event import EventType
from lakehook.domain.health_history import HealthChange
from lakehook.domain.lane import DeliveryRecord, HeldLane
from lakehook.domain.status import HealthState
from lakehook.domain.subscription import Subscription
from lakehook.domain.time import format_rfc3339
from lakehook.ports.queues import ParkedEvent
from lakehook.subscriptions.subscribe import SubscriptionFields
from tests import journaling
from tests.builders import a_delivery
from tests.fakes import NOON
from tests.fakes_ops import FakeStack

PORT = 8300
ORIGIN = f"http://127.0.0.1:{PORT}"
AGO = NOON - 1080.0  # 18 minutes
HOUR, DAY = 3600.0, 86_400.0
MARKUP = "</td><script>alert(1)</script><img src=x onerror=alert(2)>\u202e\x1b[2J"
HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')
LIFE = (EventType.PIPELINE_CREATED, EventType.PIPELINE_RUNNING, EventType.PIPELINE_FAILED)


class CompiledTemplates(BytecodeCache):
    """A cache that applications share: to compile a template takes ten times as long as a page."""

    def __init__(self) -> None:
        self._bytecode: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bytecode := self._bytecode.get(bucket.key):
            bucket.bytecode_from_string(bytecode)

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._bytecode[bucket.key] = bucket.bytecode_to_string()


COMPILED_TEMPLATES = CompiledTemplates()


@dataclass
class Visitor:
    """A browser that has opened the URL which the terminal printed."""

    app: Flask
    access: Access
    client: FlaskClient

    def get(self, path: str, **terms: Any) -> TestResponse:
        return self.client.get(path, base_url=ORIGIN, **terms)

    def page(self, path: str) -> str:
        answer = self.get(path)
        assert answer.status_code == 200, (path, answer.status_code, answer.text[-2000:])
        return answer.text

    def post(self, path: str, *, origin: str | None = ORIGIN, **form: Any) -> TestResponse:
        headers = {} if origin is None else {"origin": origin}
        return self.client.post(path, base_url=ORIGIN, data=form, headers=headers)

    def form_token(self, path: str) -> str:
        return self.hidden(path)["form_token"]

    def hidden(self, path: str) -> dict[str, str]:
        """The fields of a page's form that nobody fills in."""
        return dict(HIDDEN.findall(self.page(path)))

    def confirm(self, path: str, to: str = "", **form: Any) -> TestResponse:
        """Fill in the form of that page, and send it."""
        return self.post(to or path, **self.hidden(path), **form)


def visitor(
    service: Callable[[], CommandService], *, let_in: bool = True, **options: Any
) -> Visitor:
    access = Access(PORT)
    app = create_app(
        Console(open_service=service, access=access, options=ConsoleOptions(**options))
    )
    app.config.update(PROPAGATE_EXCEPTIONS=True)
    app.jinja_env.bytecode_cache = COMPILED_TEMPLATES
    arrived = Visitor(app, access, app.test_client())
    if let_in:
        assert arrived.get(f"/?token={access.token}").status_code == 200
    return arrived


def attempt(
    status: int | None,
    excerpt: str = "",
    outcome: Outcome = Outcome.REJECTED,
    *,
    at: float = NOON - 60,
    milliseconds: int = 40,
) -> Attempt:
    return Attempt(
        at=at, outcome=outcome, milliseconds=milliseconds, status=status, excerpt=excerpt
    )


def subscribe(stack: FakeStack, name: str, **changes: Any) -> Subscription:
    subscription, _ = stack.service().subscribe(
        SubscriptionFields(name=name, url="https://ci.example/hook", **changes.pop("terms", {}))
    )
    changed = replace(subscription, created_at=format_rfc3339(NOON - 9 * DAY), **changes)
    stack.subscriptions.put(changed)
    return changed


def accept(stack: FakeStack, pipeline: Any, *types: EventType, **fields: Any) -> None:
    for seconds, event_type in enumerate(types):
        at = NOON - 600 + 90 * seconds
        stack.clock.time = at
        journaling.accept(
            stack.journal,
            pipeline_id=pipeline,
            event_type=str(event_type),
            timestamp=format_rfc3339(at),
            **fields,
        )
    stack.clock.time = NOON


def hold(
    stack: FakeStack, subscription: Subscription, pipeline: Any, *, dead: str = "", **scene: Any
) -> DeliveryRecord:
    """A lane held at its second event, the first delivered, the third behind it."""
    last = scene.get("last")
    first, second, third = (
        DeliveryRecord.waiting(
            a_delivery(
                number,
                subscription=subscription.id,
                pipeline_id=pipeline,
                event_type=str(kind),
                project_name="lake-shop",
            )
        )
        for number, kind in enumerate(LIFE, start=1)
    )
    ledger = stack.ledger
    ledger.keep(first.with_attempt(attempt(200, outcome=Outcome.DELIVERED, at=NOON - 590)))
    second = second.with_attempt(last) if last else second
    held = replace(HeldLane.held_at(second.lane, 2, now=AGO), due_at=NOON + 240, attempts=1)
    if dead:
        second, held = second.dead(dead), held.with_dead_head()
    ledger.keep(second)
    ledger.keep(third)
    ledger.lanes[held.lane] = held
    return second


def lively_stack(*, hostile: bool = False) -> FakeStack:
    """A stack with a subscriber of every health, and what makes it so."""
    stack, markup = FakeStack(), MARKUP if hostile else ""
    for number in range(39, 46):
        accept(
            stack,
            number,
            *LIFE[: 2 + number % 2],
            project_name=markup or "lake-shop",
            pipeline_url="https://devlake.example/pipelines/39",
        )
    _add_healthy(stack)
    _add_down(stack, markup)
    _add_slow(stack)
    _add_dead(stack, markup)
    at = format_rfc3339(AGO)
    subscribe(stack, "old-portal", disabled_reason=f"410 Gone {markup}", disabled_at=at)
    subscribe(stack, "release-notes", paused_at=at)
    reason = f"not JSON: Expecting value at 1:1 {markup}"
    parked = ParkedEvent(
        id="m1", pipeline_key="60", reason=reason, body=f"oops {markup}", parked_at=AGO
    )
    stack.parked_events.parked = [parked]
    _add_yesterday(stack)
    return stack


def _add_yesterday(stack: FakeStack) -> None:
    """Failures that are over, more work by day than by night, and one slow hour."""
    ids = {subscription.name: id_ for id_, subscription in stack.subscriptions.by_id.items()}
    for name, health, hours, minutes in (
        ("ci-status", HealthState.DOWN, 19.0, 42),
        ("ci-status", HealthState.FAILING, 6.5, 12),
        ("warehouse", HealthState.SLOW, 15.0, 160),
        ("data-team", HealthState.PAUSED, 11.0, 75),
    ):
        start = NOON - hours * HOUR
        steps = ((start, HealthState.OK, health), (start + minutes * 60, health, HealthState.OK))
        stack.health_history.append(
            [
                HealthChange(at=at, subscription_id=ids[name], before=before, after=after)
                for at, before, after in steps
            ]
        )
    stack.delivery_metrics.at = _traffic


def _traffic(at: float) -> tuple[float, float, float | None, float | None]:
    age = (NOON - at) / HOUR
    ripple = 1 + 0.18 * sin(at / 700) + 0.1 * sin(at / 210)
    delivered = round((24 - 19 * cos(age / 24 * 2 * pi)) * ripple)
    failed = round(9 * ripple) if age < 0.3 or 18.3 < age < 19 else round(max(0, 2 * ripple - 1))
    p50 = (420.0 if 12.4 < age < 15 else 46.0) * ripple
    return float(delivered), float(failed), p50, p50 * (9 + 4 * sin(at / 1900))


def _add_healthy(stack: FakeStack) -> None:
    subscribe(stack, "data-team", channel="slack")
    healthy = subscribe(stack, "jenkins")
    for number in range(39, 46):
        for sequence, kind in enumerate(LIFE, start=1):
            stack.clock.time = NOON - 600 + 90 * (sequence - 1) + 0.2
            delivered = attempt(200, outcome=Outcome.DELIVERED, at=stack.clock.time)
            delivery = a_delivery(
                sequence, subscription=healthy.id, pipeline_id=number, event_type=str(kind)
            )
            stack.ledger.keep(DeliveryRecord.waiting(delivery).with_attempt(delivered))
    stack.clock.time = NOON


def _add_down(stack: FakeStack, markup: str) -> None:
    answers = {
        "ci-status": attempt(503, f"upstream connect error {markup}", Outcome.THROTTLED),
        "audit-log": attempt(401, f'{{"error":"signature mismatch"}}{markup}'),
    }
    for name, last in answers.items():
        down = subscribe(stack, name)
        stack.healths.by_subscription[down.id] = EndpointHealth(
            subscription_id=down.id,
            failures=9,
            failing_since=AGO,
            due_at=NOON + 40,
            last_attempt=last,
            last_success_at=AGO - 60,
        )
        for number in range(40, 44):
            hold(stack, down, number, last=last)


def _add_slow(stack: FakeStack) -> None:
    slow = subscribe(stack, "warehouse")
    stack.healths.by_subscription[slow.id] = EndpointHealth(
        subscription_id=slow.id,
        average_ms=9000,
        slow_since=AGO,
        last_attempt=attempt(200, outcome=Outcome.DELIVERED, milliseconds=9000),
    )
    for number in range(40, 44):
        hold(stack, slow, number)


def _add_dead(stack: FakeStack, markup: str) -> None:
    dead = replace(subscribe(stack, "metrics"), name=f"{markup}metrics")
    stack.subscriptions.put(dead)
    hold(stack, dead, 39, dead="spent", last=attempt(500, f"KeyError: 'owner' {markup}"))
    failed = attempt(None, f"template line 1: division by 0 {markup}", Outcome.TEMPLATE_FAILED)
    hold(stack, dead, 41, dead="template_failed", last=failed)
