"""Patterns at a terminal: set, changed and matched."""

import json
from pathlib import Path

from tests.builders import a_document
from tests.terminal import Terminal, add

LAKES = '{"project_name": [{"prefix": "lake-"}]}'


def test_a_pattern_is_stored_shown_changed_and_removed(terminal: Terminal) -> None:
    assert add(terminal, "--pattern", LAKES)["pattern"] == LAKES

    pattern = '{"pipeline_id": [39]}'
    changed = terminal.json("subscriptions", "update", "ci", "--pattern", pattern)
    reset = terminal.json("subscriptions", "update", "ci", "--no-pattern")

    assert (changed["pattern"], reset["pattern"]) == (pattern, None)
    assert terminal.json("subscriptions", "show", "ci")["pattern"] is None


def test_a_file_of_events_is_matched_and_nothing_is_sent(
    terminal: Terminal, tmp_path: Path
) -> None:
    add(terminal, "--pattern", LAKES, "--event-type", "PIPELINE_FAILED")
    file = tmp_path / "events.jsonl"
    failed = {"event_type": "PIPELINE_FAILED", "project_name": "lake-eu"}
    lines = [failed, failed | {"project_name": "pond"}, failed | {"event_type": "PIPELINE_RUNNING"}]
    file.write_text("\n".join(json.dumps(a_document(**line)) for line in lines))

    tried = terminal.json("subscriptions", "match", "ci", "--file", str(file))

    assert [(result["matches"], result["reason"]) for result in tried] == [
        (True, None),
        (False, "pattern"),
        (False, "event type"),
    ]
    assert terminal.stack.publisher.published == []


def test_people_read_one_line_an_event(terminal: Terminal, tmp_path: Path) -> None:
    add(terminal)
    file = tmp_path / "events.jsonl"
    documents = a_document(), a_document(source="staging")
    file.write_text("\n".join(map(json.dumps, documents)))

    assert terminal("subscriptions", "match", "ci", "--file", str(file)) == 0

    heading, *rows = (line.split() for line in terminal.out.splitlines())
    assert heading[:3] == ["GOES", "OUT", "PIPELINE"]
    assert [row[:2] for row in rows] == [["yes", "39"], ["yes", "staging/39"]]
