import io
import json
from pathlib import Path
from typing import Any

import pytest

from lakehook.cli.command import run
from lakehook.cli.context import CommandService
from lakehook.domain.errors import InfrastructureError, StackNotFound
from lakehook.ports.outbound import Warn
from tests.builders import a_document, a_subscription
from tests.terminal import Terminal, add
from tests.unit.test_subscribe import with_waiting_and_dead


def test_a_shell_completes_its_commands(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_LAKEHOOK_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "lakehook ev")
    monkeypatch.setenv("COMP_CWORD", "1")

    with pytest.raises(SystemExit):
        run([])

    assert capsys.readouterr().out.split() == ["events"]


# --- errors that say the way out ---


@pytest.mark.parametrize(
    ("error", "way_out"),
    [
        ("You must specify a region.", "set AWS_REGION, or for a laptop AWS_ENDPOINT_URL"),
        ("An error occurred (ExpiredTokenException)", "and run this again"),
        ("An error occurred (ResourceNotFoundException)", "look at the stack in CloudFormation"),
        ("Unable to locate credentials", "set AWS_PROFILE, or for a laptop AWS_ENDPOINT_URL"),
        (
            'Could not connect to the endpoint URL: "http://127.0.0.1:4566/"',
            "is the laptop running? python -m local up",
        ),
        ("AccessDenied", "AccessDenied"),
    ],
)
def test_an_infrastructure_error_has_its_way_out(
    capsys: pytest.CaptureFixture[str], error: str, way_out: str
) -> None:
    def fail(*_: object) -> CommandService:
        raise InfrastructureError(error)

    assert run(["subscriptions", "list"], fail) == 4

    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {error.rstrip('.')}")
    assert line.endswith(way_out)


def test_the_error_for_a_private_address_says_how_to_allow_its_network(terminal: Terminal) -> None:
    url = ("--url", "https://laptop.example/")

    assert terminal("subscriptions", "add", "--name", "x", *url) == 2

    assert "127.0.0.1 is never called" in terminal.err
    assert "--allow-network of a laptop, and AllowedNetworks of a stack" in terminal.err


# --- subscriptions ---


def test_add_answers_with_the_subscription_and_its_secret(terminal: Terminal) -> None:
    answer = add(terminal, "--event-type", "TASK_FAILED", "--header", "x-team: lake")

    (subscription,) = terminal.stack.subscriptions.all()
    assert answer.pop("secret").startswith("whsec_")
    assert answer == {
        "subscription_id": subscription.id,
        "name": "ci",
        "url": "https://ci.example/hook",
        "channel": "webhook",
        "language": None,
        "time_zone": None,
        "pattern": None,
        "success_if": None,
        "event_types": ["TASK_FAILED"],
        "signing": "hmac",
        "public_key": None,
        "deadline_seconds": 10.0,
        "ordering": "strict",
        "retry_schedule": "default",
        "rate": None,
        "headers": ["x-team"],
        "template": None,
        "state": "active",
        "health": None,
        "created_at": "2026-01-01T12:00:00.000+00:00",
        "paused_at": None,
        "disabled_at": None,
        "disabled_reason": None,
        "console_path": f"/subscriptions/{subscription.id}",
        "replay_id": None,
    }


def test_people_read_the_id_and_the_secret_in_lines(terminal: Terminal) -> None:
    code = terminal("subscriptions", "add", "--name", "ci", "--url", "https://ci.example/?key=abc")

    assert code == 0
    lines = dict(line.split(maxsplit=1) for line in terminal.out.splitlines())
    assert lines["subscription_id"].startswith("sub_")
    assert lines["secret"].startswith("whsec_")
    assert lines["url"] == "https://ci.example/?key=…"


def test_list_and_show_never_print_secrets(terminal: Terminal) -> None:
    options = ("--header", "authorization: Bearer top-secret")
    answer = add(terminal, *options)
    secret, added = answer.pop("secret"), answer
    assert added.pop("replay_id") is None
    added["health"] = "ok"

    assert terminal.json("subscriptions", "list") == [added]
    assert terminal.json("subscriptions", "show", "ci") == {
        **added,
        "removed_at": None,
        "client_certificate": None,
        "secrets": [
            {
                "signing": "hmac",
                "created_at": "2026-01-01T12:00:00.000+00:00",
                "expires_at": None,
                "public_key": None,
            }
        ],
    }
    for command in (("list",), ("show", "ci"), ("update", "ci", "--deadline", "5")):
        for form in ("text", "json"):
            assert terminal("subscriptions", *command, "--output", form) == 0
            assert secret not in terminal.out + terminal.err
            assert "top-secret" not in terminal.out + terminal.err


def test_people_read_one_line_a_subscription_with_nothing_cut(terminal: Terminal) -> None:
    assert (terminal("subscriptions", "list"), terminal.out) == (0, "no subscriptions\n")
    url = f"https://ci.example/{'long/' * 50}"
    assert terminal("subscriptions", "add", "--name", "[red] :smile:", "--url", url) == 0

    assert terminal("subscriptions", "list") == 0

    heading, line = terminal.out.splitlines()
    assert heading.split()[:3] == ["NAME", "HEALTH", "URL"]
    assert "[red] :smile:" in line
    assert url in line


def test_update_changes_the_given_fields(terminal: Terminal) -> None:
    added = add(terminal, "--event-type", "TASK_FAILED", "--header", "x-a: 1")

    changed = terminal.json(
        "subscriptions", "update", added["subscription_id"], "--every-pipeline-event",
        "--no-headers", "--name", "builds",
    )  # fmt: skip

    assert (changed["name"], changed["headers"]) == ("builds", [])
    assert "PIPELINE_FAILED" in changed["event_types"]
    assert changed["url"] == added["url"]


NOT_BOTH = "and so is the option that says none"


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--header", "x-a: 1", "--no-headers"), NOT_BOTH),
        (("--header-file", __file__, "--no-headers"), NOT_BOTH),
        (("--event-type", "TASK_FAILED", "--every-pipeline-event"), NOT_BOTH),
        (("--pattern", '{"a": [1]}', "--no-pattern"), NOT_BOTH),
        (("--template", __file__, "--no-template"), NOT_BOTH),
        (("--retry-schedule", "5", "--default-retry-schedule"), NOT_BOTH),
        ((), "nothing to change"),
    ],
)
def test_an_update_without_changes_or_with_contradictory_ones_is_refused(
    terminal: Terminal, options: tuple[str, ...], complaint: str
) -> None:
    add(terminal)

    assert terminal("subscriptions", "update", "ci", *options) == 2
    assert complaint in terminal.err


def test_a_removed_subscription_is_gone(terminal: Terminal) -> None:
    added = add(terminal)

    removed = terminal.json("subscriptions", "remove", "ci")

    assert removed["subscription_id"] == added["subscription_id"]
    assert removed["removed_at"]
    assert terminal("subscriptions", "show", "ci") == 3
    view = terminal.json("subscriptions", "show", added["subscription_id"])
    assert (view["state"], view["removed_at"]) == ("removed", removed["removed_at"])


def test_remove_refuses_in_one_line_while_deliveries_wait(terminal: Terminal) -> None:
    subscription = a_subscription()
    terminal.stack.subscriptions.save(subscription)
    with_waiting_and_dead(terminal.stack, subscription)

    refused = terminal("subscriptions", "remove", "ci")

    assert refused == 1
    assert terminal.err == (
        "error: sub_a still has 1 waiting delivery and 1 dead letter in 1 lane;"
        " --discard-waiting gives that up\n"
    )
    removed = terminal.json("subscriptions", "remove", "ci", "--discard-waiting")
    assert removed["discarded"] == {"waiting": 1, "dead": 1, "lanes": 1}


# --- events ---


def lines_of(*documents: Any) -> str:
    return "".join(f"{json.dumps(document)}\n" for document in documents)


def test_events_are_sent_as_they_stand_in_the_file(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    ids = ["e1", "e2", "e3"]
    text = lines_of(*(a_document(event_id=event_id) for event_id in ids)).replace("\n", "\r\n\r\n")
    file.write_text("\ufeff" + text, encoding="utf-8")

    assert terminal.json("events", "send", "--file", str(file)) == {"sent": 3}
    assert [event.id for event in terminal.stack.publisher.published] == ids


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        (lines_of(a_document(event_type="PIPELINE_EXPLODED")).encode(), "event_type: "),
        (lines_of(a_document(pipeline_id=...)).encode(), "pipeline_id: missing"),
        (b"{", "not JSON"),
        (b"[]", "not a JSON object"),
        (b"\xff", "utf-8"),
    ],
)
def test_a_wrong_line_is_named_and_nothing_is_sent(
    terminal: Terminal, tmp_path: Path, line: bytes, complaint: str
) -> None:
    file = tmp_path / "events.jsonl"
    file.write_bytes(lines_of(a_document()).encode() + b"\n" + line)

    assert terminal("events", "send", "--file", str(file)) == 2
    assert terminal.err.startswith("error: line 3: ")
    assert complaint in terminal.err
    assert terminal.err.count("\n") == 1
    assert terminal.stack.publisher.published == []


# --- stacks ---


def test_the_stack_is_the_option_else_the_variable_else_lakehook(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal("subscriptions", "list")
    monkeypatch.setenv("LAKEHOOK_STACK", "Lakehook-test")
    terminal("subscriptions", "list")
    terminal("subscriptions", "list", "--stack", "Lakehook-other")

    assert terminal.stacks == ["Lakehook", "Lakehook-test", "Lakehook-other"]


# --- errors ---


@pytest.mark.parametrize(
    ("error", "code", "kind"),
    [
        (StackNotFound("no such stack"), 2, "stack_not_found"),
        (InfrastructureError("KMS:\n is away"), 4, "infrastructure_error"),
        (RuntimeError("a fault of ours"), 1, "unexpected"),
    ],
)
def test_every_error_is_one_line_with_an_exit_code(
    capsys: pytest.CaptureFixture[str], error: Exception, code: int, kind: str
) -> None:
    def failing(_stack: str, _warn: Warn) -> CommandService:
        raise error

    assert run(["subscriptions", "list"], failing) == code
    text = capsys.readouterr()
    assert run(["subscriptions", "list", "--output", "json"], failing) == code
    as_json = capsys.readouterr()

    assert text.out == as_json.out == ""
    assert text.err.count("\n") == as_json.err.count("\n") == 1
    assert text.err.startswith("error: ")
    assert json.loads(as_json.err)["error"] == kind


@pytest.mark.parametrize(
    ("arguments", "code", "kind"),
    [
        (("show", "nobody"), 3, "not_found"),
        (("add", "--name", "x", "--url", "https://laptop.example/"), 2, "invalid_endpoint"),
        (("add", "--name", "x", "--url", "https://ci.example/", "--header", "a:b\r\nc:d"), 2,
         "invalid_subscription"),
        (("add", "--name", "x"), 2, "usage"),
        (("add", "--deadline", "soon"), 2, "usage"),
        (("nonsense",), 2, "usage"),
    ],
)  # fmt: skip
def test_bad_input_is_json_on_request(
    terminal: Terminal, arguments: tuple[str, ...], code: int, kind: str
) -> None:
    assert terminal("subscriptions", *arguments, "--output=json") == code
    assert json.loads(terminal.err)["error"] == kind
    assert terminal.out == ""


@pytest.mark.parametrize(
    "option",
    [
        *("--channel", "--event-type", "--signing", "--ordering", "--retry-schedule"),
        *("--rate", "--since", "--pattern", "--template-header"),
    ],
)
def test_an_error_repeats_only_the_start_of_a_value(terminal: Terminal, option: str) -> None:
    arguments = ("--name", "ci", "--url", "https://ci.example/", option, "x" * 5000)

    assert terminal("subscriptions", "add", *arguments) == 2

    assert len(terminal.err) < 500


def test_an_error_has_no_control_characters_whatever_was_given(terminal: Terminal) -> None:
    delivery_id = "sub_a#\x1b[31m\udcff\u202e流水线#1"

    assert terminal("deliveries", "show", delivery_id) == 3

    assert terminal.err.startswith(r"error: sub_a#\x1b[31m\udcff\u202e流水线#1: ")
    assert terminal.err.count("\n") == 1


def test_a_warning_does_not_disturb_the_output(terminal: Terminal) -> None:
    url = "https://vpc.internal/hook"

    assert terminal("subscriptions", "add", "--name", "vpc", "--url", url) == 0
    assert terminal.err.startswith("warning: vpc.internal does not resolve")
    assert terminal.json("subscriptions", "add", "--name", "vpc-2", "--url", url)["secret"]
    assert json.loads(terminal.err)["warning"] == "warning"


def test_a_name_that_is_taken_is_refused(terminal: Terminal) -> None:
    add(terminal)
    add(terminal, name="other")

    for command in (
        ("add", "--name", "ci", "--url", "https://ci.example/hook"),
        ("update", "other", "--name", "ci"),
    ):
        assert terminal("subscriptions", *command) == 1
        assert terminal.err == "error: name: 'ci' is taken\n"
    assert terminal("subscriptions", "remove", "ci") == 0
    assert terminal("subscriptions", "update", "other", "--name", "ci") == 0


def test_each_command_prints_its_change_in_a_line(terminal: Terminal) -> None:
    add(terminal)

    last_lines = {
        command: terminal("subscriptions", *command) or terminal.out.splitlines()[-1]
        for command in (
            ("pause", "ci"),
            ("resume", "ci"),
            ("update", "ci", "--deadline", "20", "--ordering", "skip"),
            ("test", "ci"),
            ("remove", "ci"),
        )
    }

    assert list(last_lines.values()) == [
        "ci is paused: what comes waits, in its order, until it is resumed",
        "ci is active; 0 pipelines go on",
        "deadline_seconds: 10.0 → 20.0; ordering: strict → skip",
        1,  # no response
        "ci is removed",
    ]


def test_a_removal_asks_for_a_confirmation_at_a_terminal(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(terminal)
    answers = io.StringIO("n\n")
    answers.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr("sys.stdin", answers)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)

    assert terminal("subscriptions", "remove", "ci") == 1
    assert "remove ci (https://ci.example/hook)? [y/N]" in terminal.out
    assert terminal.err == ""
    assert terminal("subscriptions", "remove", "ci", "--yes") == 0


# --- help ---


@pytest.mark.parametrize(
    "command",
    [
        *("", "verify", "events send", "pipelines show", "pipelines list", "lanes list"),
        *("subscriptions add", "subscriptions list", "subscriptions show", "subscriptions update"),
        *("subscriptions remove", "subscriptions rotate-secret", "subscriptions pause"),
        *("subscriptions resume", "subscriptions enable", "deliveries list", "deliveries show"),
        *("dead-letters list", "dead-letters show", "dead-letters redrive", "dead-letters discard"),
    ],
)
def test_help_shows_an_example_and_opens_no_stack(terminal: Terminal, command: str) -> None:
    assert terminal(*command.split(), "--help") == 0
    assert "Example" in terminal.out
    assert f"\n    lakehook {command}" in terminal.out
    assert terminal.stacks == []


def test_the_version_is_printed(terminal: Terminal) -> None:
    assert terminal("--version") == 0
    assert terminal.out.startswith("lakehook ")
