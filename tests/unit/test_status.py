"""The status: health and next step of each subscription, by a fixed number of reads."""

from typing import Any

import pytest

from bench.status import SUBSCRIPTIONS, HeldTable, show_status
from lakehook.domain.attempt import Attempt, Outcome
from lakehook.domain.circuit_breaker import EndpointHealth
from lakehook.domain.lane import DeliveryRecord, HeldLane
from tests.builders import a_delivery, a_subscription
from tests.fakes import NOON, FakeClock
from tests.terminal import Terminal

AGO = NOON - 1080  # 18 minutes
PAUSED_AT = "2026-01-01T11:42:00.000+00:00"


def subscribe(terminal: Terminal, name: str, **changes: Any) -> str:
    id_ = f"sub_{len(terminal.stack.subscriptions.by_id)}"
    terminal.stack.subscriptions.by_id[id_] = a_subscription(id=id_, name=name, **changes)
    return id_


def attempt(status: int | None, excerpt: str = "", outcome: Outcome = Outcome.REJECTED) -> Attempt:
    return Attempt(at=NOON - 60, outcome=outcome, milliseconds=40, status=status, excerpt=excerpt)


def down(
    terminal: Terminal, name: str, last: Attempt, *, since: float = AGO, channel: str = "webhook"
) -> str:
    id_ = subscribe(terminal, name, channel=channel)
    terminal.stack.healths.by_subscription[id_] = EndpointHealth(
        subscription_id=id_, failures=9, failing_since=since, due_at=NOON + 40, last_attempt=last
    )
    return id_


def hold(
    terminal: Terminal, id_: str, pipeline: int = 39, *, dead: str = "", last: Attempt | None = None
) -> None:
    record = DeliveryRecord.waiting(a_delivery(1, subscription=id_, pipeline_id=pipeline))
    record = record.with_attempt(last) if last else record
    held = HeldLane.held_at(record.lane, 1, now=AGO)
    if dead:
        record, held = record.dead(dead), held.with_dead_head()
    terminal.stack.ledger.save(record, before=None, after=held)


def status(terminal: Terminal, name: str, *, code: int = 6) -> Any:
    assert terminal("status", "--output", "json") == code, terminal.err
    (subscriber,) = [
        subscriber
        for subscriber in terminal.parse_output()["subscribers"]
        if subscriber["name"] == name
    ]
    return subscriber


def test_the_status_of_a_healthy_stack_needs_no_action(terminal: Terminal) -> None:
    subscribe(terminal, "healthy")

    assert terminal("status") == 0
    assert terminal.out == "Lakehook · 12:00Z   nothing lost · nothing waits\n\nok: healthy\n"


@pytest.mark.parametrize(
    ("channel", "last", "remedy"),
    [
        ("webhook", attempt(503, "upstream connect error", Outcome.THROTTLED), None),
        ("webhook", attempt(401, "signature mismatch"), "lakehook subscriptions rotate-secret ci"),
        ("teams", attempt(401, "no sig"), "lakehook subscriptions update ci --url URL"),
        ("webhook", attempt(302, "moved to /new"), "lakehook subscriptions update ci --url URL"),
        ("webhook", attempt(200, "200, but the body does not match success_if: {}"), None),
    ],
)
def test_an_endpoint_that_is_down_has_its_last_response_and_a_remedy(
    terminal: Terminal, channel: str, last: Attempt, remedy: str | None
) -> None:
    id_ = down(terminal, "ci", last, channel=channel)
    hold(terminal, id_)

    subscriber = status(terminal, "ci")

    assert (subscriber["health"], subscriber["state"]) == ("down", "active")
    assert subscriber["since"] == "2026-01-01T11:42:00.000+00:00"
    assert subscriber["last_answer"] == f"{last.status} {last.excerpt.removeprefix('200, ')}"
    assert subscriber["next"] == "the endpoint is probed"
    assert subscriber["next_at"] == "2026-01-01T12:00:40.000+00:00"
    pause = "lakehook subscriptions pause ci"
    assert subscriber["commands"] == ([remedy, pause] if remedy else [pause])


@pytest.mark.parametrize(
    ("last", "since", "code"),
    [
        (attempt(503, outcome=Outcome.THROTTLED), NOON - 60, 0),
        (attempt(503, outcome=Outcome.THROTTLED), NOON - 900, 6),
        (attempt(401), NOON - 60, 6),
        (attempt(None, outcome=Outcome.TIMED_OUT), NOON - 60, 0),
        (attempt(None, outcome=Outcome.TLS_FAILED), NOON - 60, 6),
    ],
)
def test_action_is_needed_for_lasting_or_permanent_failures(
    terminal: Terminal, last: Attempt, since: float, code: int
) -> None:
    down(terminal, "ci", last, since=since)

    assert terminal("status") == code


def test_a_slow_endpoint_says_how_slow_and_how_long(terminal: Terminal) -> None:
    id_ = subscribe(terminal, "slowpoke")
    terminal.stack.healths.by_subscription[id_] = EndpointHealth(
        subscription_id=id_, average_ms=9000, slow_since=AGO, last_attempt=attempt(200)
    )
    for pipeline in range(100):
        hold(terminal, id_, pipeline)

    subscriber = status(terminal, "slowpoke", code=0)

    assert (subscriber["health"], subscriber["average_ms"], subscriber["seconds_left"]) == (
        "slow",
        9000,
        300,
    )
    assert terminal("status") == 0
    assert "slow 9.0 s" in terminal.out
    assert "3 pipelines go at a time; about 5 min left; the deadline is 10 s" in terminal.out


@pytest.mark.parametrize(
    ("changes", "health", "commands", "code"),
    [
        ({"paused_at": PAUSED_AT}, "paused", ["resume"], 0),
        ({"disabled_at": PAUSED_AT, "disabled_reason": "410"}, "disabled", ["enable", "remove"], 6),
        ({"pending_since": PAUSED_AT}, "pending", ["test"], 6),
    ],
)
def test_a_blocked_subscription_says_since_when_and_how_to_resume_it(
    terminal: Terminal, changes: dict[str, str], health: str, commands: list[str], code: int
) -> None:
    id_ = subscribe(terminal, "it's mine", **changes)
    hold(terminal, id_)

    subscriber = status(terminal, "it's mine", code=code)

    assert (subscriber["health"], subscriber["since"]) == (health, PAUSED_AT)
    quoted = """'it'"'"'s mine'"""
    assert subscriber["commands"] == [
        f"lakehook subscriptions {verb} {quoted}" for verb in commands
    ]


def test_one_dead_letter_is_named_and_many_are_listed(terminal: Terminal) -> None:
    audit, tmpl = subscribe(terminal, "audit"), subscribe(terminal, "tmpl")
    terminal.stack.healths.by_subscription[audit] = EndpointHealth(
        subscription_id=audit, average_ms=800, last_attempt=attempt(200, outcome=Outcome.DELIVERED)
    )
    hold(terminal, audit, dead="rejected", last=attempt(500, "KeyError: 'owner'"))
    for pipeline in (40, 41):
        hold(terminal, tmpl, pipeline, dead="template_failed")

    subscriber = status(terminal, "audit")

    assert (subscriber["health"], subscriber["dead_letters"], subscriber["lanes_held"]) == (
        "ok",
        1,
        1,
    )
    assert subscriber["last_answer"] == "500 KeyError: 'owner'"
    assert subscriber["commands"] == [
        "lakehook dead-letters show audit#39#1",
        "lakehook dead-letters redrive audit#39#1",
    ]
    assert status(terminal, "tmpl")["commands"] == [
        "lakehook dead-letters list --subscription tmpl",
        "lakehook dead-letters redrive --subscription tmpl --yes",
    ]


def test_the_worst_comes_first_and_nothing_is_folded(terminal: Terminal) -> None:
    subscribe(terminal, "healthy")
    hold(terminal, down(terminal, "ci-dead", attempt(503, "upstream\x1b[2J error" * 20)))

    assert terminal("status") == 6

    totals, _, heading, row, *_ = terminal.out.splitlines()
    assert totals.endswith("nothing lost · 1 pipeline waits · oldest 18 min")
    assert heading.split()[2:6] == ["SINCE", "PIPELINES", "WAIT", "DEAD"]
    assert row.startswith(
        "ci-dead     down    18 min  1               -     503 upstream\\x1b[2J error"
    )
    assert "  the endpoint is probed in 40 s\n" in terminal.out
    assert terminal.out.endswith("\nok: healthy\n")


def test_a_lane_that_waits_its_turn_after_a_pause_has_no_time(terminal: Terminal) -> None:
    id_ = subscribe(terminal, "ci")
    hold(terminal, id_)
    lanes = terminal.stack.ledger.lanes
    lanes |= {lane: held.blocked() for lane, held in lanes.items()}

    subscriber = status(terminal, "ci", code=0)

    assert subscriber["next"] == "ci#39#1 is resumed after others"
    assert subscriber["next_at"] is None


def test_watching_continues_until_an_interrupt(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscribe(terminal, "healthy")
    waits = iter([None, None, KeyboardInterrupt()])

    def sleep(_clock: FakeClock, _seconds: float) -> None:
        if interrupted := next(waits):
            raise interrupted

    monkeypatch.setattr(FakeClock, "sleep", sleep)

    assert terminal("status", "--watch") == 0, terminal.err
    assert terminal.out.count("ok: healthy") == 3


def test_the_reads_of_the_status_do_not_grow_with_waiting_lanes() -> None:
    small_table, large_table = HeldTable(lanes_each=1), HeldTable(lanes_each=20)

    show_status(small_table)()
    report = show_status(large_table)()

    assert small_table.calls == large_table.calls <= 2 * SUBSCRIPTIONS + 25
    assert sum(subscriber.held.lanes for subscriber in report.subscribers) == 10_000
