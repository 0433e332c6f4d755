"""Parked events at the command: listed with their reasons, corrected and sent, or deleted."""

import json
from pathlib import Path

import pytest

from lakehook.ports.queues import ParkedEvent
from tests.builders import a_document
from tests.fakes import NOON
from tests.fakes_ops import FakeStack
from tests.terminal import Terminal

WRONG = json.dumps(a_document(event_type="PIPELINE_DONE"))


@pytest.fixture
def stack() -> FakeStack:
    stack = FakeStack()
    reason = "event_type: 'PIPELINE_DONE' is not one of: \x1b[2J"
    stack.parked_events.parked = [
        ParkedEvent(id="m-1", pipeline_key="39", reason=reason, body=WRONG, parked_at=NOON - 300)
    ]
    return stack


def test_parked_events_are_listed_with_their_reasons_and_counted_by_status(
    terminal: Terminal,
) -> None:
    assert terminal("events", "parked", "list") == 0
    assert terminal.out.splitlines()[1].split()[:5] == ["m-1", "39", "5", "min", "ago"]
    assert "\x1b" not in terminal.out

    assert terminal("status") == 6
    assert "1 parked" in terminal.out
    assert "lakehook events parked list" in terminal.out
    terminal.stack.parked_events.refused = True
    assert terminal("status") == 0


def test_a_parked_event_is_corrected_and_published(terminal: Terminal, tmp_path: Path) -> None:
    assert terminal("events", "parked", "show", "m-1", "--body") == 0
    assert json.loads(terminal.out) == json.loads(WRONG)
    mended = tmp_path / "event.json"
    mended.write_text(WRONG.replace("PIPELINE_DONE", "PIPELINE_COMPLETED"))

    assert terminal("events", "parked", "send", "m-1") == 2
    assert terminal.stack.parked_events.parked
    assert terminal("events", "parked", "send", "m-1", "--file", str(mended)) == 0

    (event,) = terminal.stack.publisher.published
    assert event.type == "PIPELINE_COMPLETED"
    assert terminal.stack.parked_events.parked == []


def test_a_parked_event_is_deleted_and_then_not_found(terminal: Terminal) -> None:
    assert terminal("events", "parked", "delete", "m-1") == 0
    for verb in ("show", "send", "delete"):
        assert terminal("events", "parked", verb, "m-1") == 3
