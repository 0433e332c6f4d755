"""``lakehook replay``, ``replays`` and ``subscriptions add --since``: output and refusals."""

import json
from typing import Any

import pytest

from lakehook.domain.attempt import Attempt, Outcome
from lakehook.domain.delivery import Lane
from lakehook.domain.errors import InfrastructureError
from lakehook.domain.lane import DeliveryRecord
from lakehook.domain.replay import Replay, ReplayRequest, ReplayState
from tests.builders import a_delivery, a_subscription
from tests.fakes import NOON
from tests.fakes_ops import FakeStack
from tests.journaling import accept
from tests.terminal import Terminal

REPLAY = ("replay", "--subscription", "ci", "--since", "2h")
LANE = Lane("sub_a", "39")
ADD = ("subscriptions", "add", "--name", "new", "--url", "https://ci.example/new")


@pytest.fixture
def stack() -> FakeStack:
    stack = FakeStack()
    stack.subscriptions.put(a_subscription())
    for pipeline in (39, 40):
        for state in ("CREATED", "RUNNING"):
            event_type, event_id = f"PIPELINE_{state}", f"{pipeline}{state}"
            accept(stack.journal, pipeline_id=pipeline, event_type=event_type, event_id=event_id)
    return stack


def run_the_scheduler(
    stack: FakeStack, state: ReplayState = ReplayState.DONE, **changes: Any
) -> None:
    """Enqueue two deliveries while the command waits, and end the replay."""
    sleep = stack.clock.sleep

    def working(seconds: float) -> None:
        sleep(seconds)
        (replay,) = stack.replays.list_open()
        if replay.sent:
            stack.replays.save(replay.ended(state, now=stack.clock.now(), **changes))
        else:
            stack.replays.save(replay.with_enqueued("39", sent=2, waiting=0))

    stack.clock.sleep = working  # type: ignore[method-assign]


def test_the_output_has_the_replays_id_and_says_that_enqueued_deliveries_may_wait(
    terminal: Terminal, stack: FakeStack
) -> None:
    run_the_scheduler(stack)

    assert terminal(*REPLAY) == 0

    (replay,) = stack.replays.list_finished()
    begun = f"replay {replay.id} has begun with 4 deliveries"
    assert terminal.err == f"{begun}; it continues without this command\n"
    *_, last = terminal.out.splitlines()
    assert last == "what has not gone out yet: lakehook lanes list --subscription sub_a"


def test_an_event_type_that_it_does_not_want_is_warned_of(terminal: Terminal) -> None:
    types = ("--event-type", "TASK_FAILED", "--event-type", "PIPELINE_CREATED")

    counted = terminal.json(*REPLAY, *types, "--dry-run")

    warned = json.loads(terminal.err)
    assert warned["message"] == "event type: ci does not want TASK_FAILED, so none is sent"
    assert counted["deliveries"] == 2


def test_a_dry_run_counts_and_writes_nothing(terminal: Terminal, stack: FakeStack) -> None:
    counted = terminal.json(*REPLAY, "--dry-run")

    assert counted == {
        "subscription_id": "sub_a",
        "subscription_name": "ci",
        "since": "2026-01-01T10:00:00.000+00:00",
        "until": "2026-01-01T12:00:00.000+00:00",
        "deliveries": 4,
        "pipelines": 2,
        "waiting": 0,
        "event_types": [
            {"event_type": "PIPELINE_CREATED", "deliveries": 2},
            {"event_type": "PIPELINE_RUNNING", "deliveries": 2},
        ],
    }
    assert stack.replays.list_open() == []


def test_the_command_follows_the_replay_to_its_end(terminal: Terminal, stack: FakeStack) -> None:
    run_the_scheduler(stack)

    result = terminal.json(*REPLAY, "--rate", "20/m", "--event-type", "PIPELINE_CREATED")

    assert terminal.err == ""
    assert result | {"replay_id": "rpl_1"} == {
        "replay_id": "rpl_1",
        "subscription_id": "sub_a",
        "subscription_name": "ci",
        "state": "done",
        "reason": None,
        "since": "2026-01-01T10:00:00.000+00:00",
        "until": "2026-01-01T12:00:00.000+00:00",
        "event_types": ["PIPELINE_CREATED"],
        "status": "any",
        "rate": "20/m",
        "started_at": "2026-01-01T12:00:00.000+00:00",
        "ended_at": "2026-01-01T12:00:02.000+00:00",
        "matched": 2,
        "sent": 2,
        "waiting": 0,
        "failed": 0,
        "console_path": "/replays/",
        "already_running": False,
    }


def test_a_repeated_command_follows_the_running_replay(
    terminal: Terminal, stack: FakeStack
) -> None:
    service = stack.service()
    terms = service.start_replay.criteria(ReplayRequest(since="2h"))
    service.start_replay(stack.subscriptions.by_id["sub_a"], terms)
    stack.clock.time += 30
    run_the_scheduler(stack)

    assert terminal.json(*REPLAY)["already_running"] is True
    assert len(stack.replays.list_finished()) == 1


def an_open_replay(stack: FakeStack) -> Replay:
    service = stack.service()
    subscription = stack.subscriptions.by_id["sub_a"]
    return service.start_replay(
        subscription, service.start_replay.criteria(ReplayRequest(since="2h"))
    ).replay


def test_a_replay_that_is_stopped_while_it_is_followed_has_exit_code_1(
    terminal: Terminal, stack: FakeStack
) -> None:
    run_the_scheduler(stack, ReplayState.STOPPED, reason="by an operator")

    assert terminal(*REPLAY, "--output", "json") == 1
    assert json.loads(terminal.out)["reason"] == "by an operator"


def test_the_copies_of_dead_letters_that_were_replayed_are_taken_off_the_queue(
    terminal: Terminal, stack: FakeStack
) -> None:
    failure = Attempt(at=NOON, outcome=Outcome.REJECTED, milliseconds=1, status=500)
    for sequence in (1, 2):
        record = DeliveryRecord.waiting(a_delivery(sequence)).with_attempt(failure).dead("rejected")
        stack.dead_letters.send(stack.ledger.save(record, before=None, after=None), endpoint="-")
    run_the_scheduler(stack)
    sleep = stack.clock.sleep

    def requeue_first(seconds: float) -> None:
        first = stack.ledger.records[LANE, 1]
        stack.ledger.records[LANE, 1] = first.replayed(a_delivery(1), by="rpl_1")
        sleep(seconds)

    stack.clock.sleep = requeue_first  # type: ignore[method-assign]

    terminal.json(*REPLAY, "--status", "dead")

    assert [record.sequence for record in stack.dead_letters.records] == [2]


def test_replays_are_listed_shown_and_stopped(terminal: Terminal, stack: FakeStack) -> None:
    replay = an_open_replay(stack)

    assert [item["replay_id"] for item in terminal.json("replays", "list")] == [replay.id]
    assert terminal.json("replays", "show", replay.id)["state"] == "open"
    assert terminal.json("replays", "stop", replay.id)["state"] == "stopped"
    assert terminal.json("replays", "show", replay.id)["reason"] == "by an operator"
    assert terminal("replays", "list") == 0
    assert "stopped (by an operator)" in terminal.out
    assert terminal("replays", "show", "rpl_none") == 3


@pytest.mark.parametrize("past", [("--from-beginning",), ("--since", "3d")])
def test_a_new_subscription_may_have_the_past(
    terminal: Terminal, stack: FakeStack, past: tuple[str, ...]
) -> None:
    added = terminal.json(*ADD, *past)

    (replay,) = stack.replays.list_open()
    assert (added["replay_id"], added["subscription_id"]) == (replay.id, replay.subscription_id)
    assert replay.criteria.until == NOON + 60
    assert added["secret"]


@pytest.mark.parametrize("past", [("--from-beginning", "--since", "3d"), ("--since", "soon")])
def test_a_past_that_is_not_understood_saves_no_subscription(
    terminal: Terminal, stack: FakeStack, past: tuple[str, ...]
) -> None:
    assert terminal(*ADD, *past) == 2
    assert list(stack.subscriptions.by_id) == ["sub_a"]


def test_the_secret_is_shown_though_the_past_could_not_begin(
    terminal: Terminal, stack: FakeStack
) -> None:
    def fails(_replay: Replay) -> Replay:
        raise InfrastructureError("throttled")

    stack.replays.save = fails  # type: ignore[method-assign]

    added = terminal.json(*ADD, "--since", "3d")

    assert added["secret"]
    assert added["replay_id"] is None
    assert "--status missing" in terminal.err
