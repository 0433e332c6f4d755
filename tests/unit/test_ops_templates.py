"""Templates at a terminal: set, changed, removed and previewed."""

import json
from pathlib import Path

import pytest

from lakehook.adapters.liquid import LiquidRenderer
from lakehook.domain.lane import DeliveryRecord
from lakehook.domain.template import Template
from tests.builders import a_delivery, a_document
from tests.fakes_ops import FakeStack
from tests.terminal import Terminal, add

PREVIEW = ("subscriptions", "preview", "ci")
UPDATE = ("subscriptions", "update", "ci")


@pytest.fixture
def stack() -> FakeStack:
    stack = FakeStack()
    stack.renderer = LiquidRenderer()
    return stack


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "body.liquid"
    file.write_text("{{ event_type }}: {{ project_name | json }}\n", encoding="utf-8")
    return file


def stored(terminal: Terminal) -> Template | None:
    (subscription,) = terminal.stack.subscriptions.all()
    return subscription.template


def test_a_template_is_stored_shown_changed_in_parts_and_removed(
    terminal: Terminal, file: Path
) -> None:
    body = "{{ event_type }}: {{ project_name | json }}"
    added = add(terminal, "--template", str(file), "--template-header", "X-Type: {{ event_type }}")

    assert added["template"] == {
        "body": body,
        "subject": None,
        "headers": {"x-type": "{{ event_type }}"},
    }
    terminal.json(*UPDATE, "--template-header", "content-type: text/plain")
    assert stored(terminal) == Template(body=body, headers=(("content-type", "text/plain"),))
    assert terminal.json(*UPDATE, "--deadline", "5")["template"]["body"] == body
    assert terminal.json(*UPDATE, "--no-template")["template"] is None
    assert stored(terminal) is None


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--template-header", "x-a: {{ x"), "template header x-a: line 1: {{ without }}"),
        (("--template-header", "webhook-id: x"), "header: webhook-id is the sender's own"),
        (("--template-header", "host: x"), "header: host is the sender's own"),
        (("--template-header", "x-a"), "header: not 'Name: value'"),
        (("--template-subject", "x"), "template subject: this channel has no subject"),
        (
            ("--format", "devlake", "--template", __file__),
            "template: this channel does not support",
        ),
    ],
)
def test_a_wrong_template_is_one_line_and_saves_nothing(
    terminal: Terminal, options: tuple[str, ...], complaint: str
) -> None:
    arguments = ("--name", "ci", "--url", "https://ci.example/hook", *options)

    assert terminal("subscriptions", "add", *arguments) == 2

    assert terminal.err.startswith(f"error: {complaint}")
    assert terminal.err.count("\n") == 1
    assert terminal.stack.subscriptions.all() == []


@pytest.mark.parametrize("content", [b"", b" \n", b"x" * 17_000, b"\xff"])
def test_a_file_that_holds_no_template_is_refused(
    terminal: Terminal, file: Path, content: bytes
) -> None:
    file.write_bytes(content)
    arguments = ("--name", "ci", "--url", "https://ci.example/hook", "--template", str(file))

    assert terminal("subscriptions", "add", *arguments) == 2

    assert terminal.err.startswith("error: template: ")


# --- preview ---


def test_a_preview_is_shown_and_nothing_is_sent(terminal: Terminal, file: Path) -> None:
    add(terminal, "--template", str(file), "--header", "authorization: Bearer t0p-secret")

    preview = terminal.json(*PREVIEW, "--event-type", "PIPELINE_FAILED")

    assert preview["body"] == 'PIPELINE_FAILED: "lake & \\"shore\\""'
    assert preview["headers"]["authorization"] == preview["headers"]["webhook-signature"] == "…"
    assert preview["headers"]["webhook-id"].endswith("#39#3")
    assert (preview["subject"], preview["html"], preview["warnings"]) == (None, None, [])
    assert "t0p-secret" not in terminal.out
    assert terminal.stack.publisher.published == []


def test_people_read_it_as_a_request_looks(terminal: Terminal, file: Path) -> None:
    add(terminal, "--template", str(file))

    assert terminal(*PREVIEW) == 0

    head, _, body = terminal.out.partition("\n\n")
    assert "content-type: application/json" in head.splitlines()
    assert body == 'PIPELINE_COMPLETED: "lake & \\"shore\\""\n'
    assert terminal.err == ""


def test_an_event_that_the_channel_does_not_support_is_reported(terminal: Terminal) -> None:
    add(terminal, "--format", "devlake")

    assert terminal(*PREVIEW, "--event-type", "TASK_FAILED") == 2

    assert "DevLake has no status for TASK_FAILED" in terminal.err


def test_a_field_that_is_not_there_is_warned_of(terminal: Terminal, file: Path) -> None:
    file.write_text("{{ projekt_name }}x")
    add(terminal, "--template", str(file))

    assert terminal.json(*PREVIEW)["warnings"] == ["projekt_name: this event has no such field"]
    assert terminal(*PREVIEW) == 0
    assert terminal.err == "warning: projekt_name: this event has no such field\n"


def test_a_template_that_fails_is_exit_1_with_the_reason(terminal: Terminal, file: Path) -> None:
    file.write_text("{{ data.nobody_says_this }}")
    add(terminal, "--template", str(file))

    assert terminal(*PREVIEW) == 1

    assert "error: template: its output is empty" in terminal.err


def test_an_event_of_ones_own_is_tried(terminal: Terminal, file: Path, tmp_path: Path) -> None:
    add(terminal, "--template", str(file))
    event = tmp_path / "event.json"
    event.write_text(json.dumps(a_document(project_name="pond"), indent=2))

    assert terminal.json(*PREVIEW, "--file", str(event))["body"] == 'PIPELINE_CREATED: "pond"'
    assert terminal(*PREVIEW, "--file", str(event), "--event-type", "PIPELINE_FAILED") == 2
    event.write_text("{}")
    assert terminal(*PREVIEW, "--file", str(event)) == 2
    assert terminal(*PREVIEW, "--event-type", "PIPELINE_EXPLODED") == 2


def test_a_preview_is_printable_for_people_and_exact_for_programs(
    terminal: Terminal, tmp_path: Path
) -> None:
    text = "a\x1b[31m\u202e\r流水线\u3000完成\tb\nc"
    file = tmp_path / "body.liquid"
    file.write_bytes(text.encode())
    add(terminal, "--template", str(file))

    assert terminal(*PREVIEW) == 0

    assert "a\\x1b[31m\\u202e\\r流水线\u3000完成\tb\nc\n" in terminal.out
    assert terminal.json(*PREVIEW)["body"] == text


def test_the_event_of_a_dead_letter_is_previewed_with_the_present_template(
    terminal: Terminal,
) -> None:
    id_ = add(terminal)["subscription_id"]
    other_id = add(terminal, name="other")["subscription_id"]
    record = DeliveryRecord.waiting(a_delivery(2, subscription=id_)).dead("template_failed")
    terminal.stack.ledger.keep(record)

    preview = terminal.json(*PREVIEW, "--dead-letter", "ci#39#2")

    assert preview["headers"]["webhook-id"] == f"{id_}#39#2"
    assert terminal("subscriptions", "preview", other_id, "--dead-letter", "ci#39#2") == 2
    assert "is not one of other" in terminal.err
    assert terminal(*PREVIEW, "--dead-letter", "ci#39#2", "--event-type", "PIPELINE_FAILED") == 2
