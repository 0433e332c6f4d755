"""``lakehook reconcile``: its output, its refusals, and what it never shows."""

import io
import sys
from pathlib import Path

import pytest

from lakehook.domain.devlake.sources import NONE, DevLakeSources
from tests.devlake.rows import shown
from tests.fakes_ops import FakeStack
from tests.terminal import Keyboard, Terminal

DEVLAKE = ("reconcile", "--devlake", "http://devlake:8080")
SECRET = "s3cret"


@pytest.fixture
def stack() -> FakeStack:
    stack = FakeStack()
    stack.devlake.pipelines = [
        shown(39, blueprintId=7),
        shown(40, "TASK_RUNNING", finishedAt=None),
        shown(38, **dict.fromkeys(("createdAt", "updatedAt", "beganAt"), "2025-12-01T00:00:00Z")),
    ]
    stack.devlake.pipelines[-1]["finishedAt"] = None
    stack.devlake.projects = {7: "[red] lake"}
    return stack


def test_the_output_counts_pipelines_read_and_events_sent(terminal: Terminal) -> None:
    assert terminal.json(*DEVLAKE) == {
        "since": "2025-12-31T12:00:00.000+00:00",
        "read": 3,
        "changed": 2,
        "sent": 2,
    }
    assert [event.pipeline_id for event in terminal.stack.publisher.published] == ["39", "40"]
    assert terminal(*DEVLAKE, "--since", "2025-12-01T00:00:00Z") == 0
    assert [line.split()[1] for line in terminal.out.splitlines()[1:]] == ["3"] * 3
    assert terminal.err == ""


def test_a_dry_run_shows_the_events_and_sends_none(terminal: Terminal) -> None:
    answer = terminal.json(*DEVLAKE, "--dry-run")

    assert (answer["changed"], answer["sent"]) == (2, 0)
    assert answer["events"][0] == {
        "pipeline_id": "39",
        "source": None,
        "event_type": "PIPELINE_COMPLETED",
        "timestamp": "2026-01-01T11:20:00Z",
        "project_name": "[red] lake",
        "event_id": "devlake:39:PIPELINE_COMPLETED:2026-01-01T11:10:00Z",
    }
    assert terminal.stack.publisher.published == []
    assert terminal(*DEVLAKE, "--dry-run") == 0
    *_, heading, first, second = terminal.out.splitlines()
    assert heading.startswith("PIPELINE")
    assert "[red] lake" in first
    assert second.split()[:4] == ["40", "PIPELINE_RUNNING", "2026-01-01T11:10:00Z", "-"]


def test_a_pipeline_that_is_left_out_is_a_warning(terminal: Terminal) -> None:
    terminal.stack.devlake.pipelines[0]["status"] = "TASK_PONDERING"

    assert terminal(*DEVLAKE) == 0

    assert terminal.err.startswith("warning: left out: pipeline '39': Status: not one of")
    assert terminal.err.count("\n") == 1


def test_headers_come_from_options_and_from_a_file(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "key.txt"
    file.write_text(f"\ufeffAuthorization: Bearer {SECRET}\r\n\r\n", encoding="utf-8")

    code = terminal(*DEVLAKE, "--header", f"x-key: {SECRET}", "--header-file", str(file))

    assert code == 0
    (address,) = terminal.stack.devlake.reached
    assert address.headers == {"x-key": SECRET, "authorization": f"Bearer {SECRET}"}
    assert SECRET not in terminal.out + terminal.err


def test_a_typed_header_is_not_echoed(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(Keyboard()))
    monkeypatch.setattr(
        "lakehook.cli.inputs.getpass", lambda _prompt: f"authorization: Bearer {SECRET}"
    )

    assert terminal(*DEVLAKE, "--header-file", "-") == 0

    (address,) = terminal.stack.devlake.reached
    assert address.headers == {"authorization": f"Bearer {SECRET}"}


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--devlake", f"ftp://{SECRET}"), "not a URL such as"),
        (("--devlake", f"http://a:{SECRET}@devlake"), "not into the URL"),
        (("--since", "yesterday"), "since: 'yesterday' is neither a time with an offset"),
        (
            ("--since", "2027-01-01T00:00:00Z"),
            "since: 2027-01-01T00:00:00.000+00:00 is in the future",
        ),
        (("--header", SECRET), "header: not 'Name: value'"),
        (("--header", f"host: {SECRET}"), "header: host is the sender's own"),
        (("--header-file", "/no/such/file"), "No such file"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    terminal: Terminal, options: tuple[str, ...], complaint: str
) -> None:
    assert terminal(*DEVLAKE, *options) == 2

    assert complaint in terminal.err
    assert terminal.err.count("\n") == 1
    assert SECRET not in terminal.err
    assert terminal.stack.devlake.reached == []


STAGING = '{"staging": {"api_url": "https://staging.example/api"}, "bare": {}}'


@pytest.mark.parametrize(
    ("options", "url"),
    [
        ((), "https://devlake.example/api"),
        (("--source", "default"), "https://devlake.example/api"),
        (("--source", "staging"), "https://staging.example/api"),
        (("--source", "staging", "--devlake", "http://devlake:8080"), "http://devlake:8080"),
    ],
)
def test_the_default_url_is_the_one_of_the_stack(
    terminal: Terminal, options: tuple[str, ...], url: str
) -> None:
    terminal.stack.sources = DevLakeSources.parse("https://devlake.example/api", NONE, STAGING)

    assert terminal("reconcile", *options, "--header", f"x-key: {SECRET}") == 0

    (address,) = terminal.stack.devlake.reached
    assert (address.url, address.headers) == (url, {"x-key": SECRET})


@pytest.mark.parametrize("url", ["https://staging.example/api", "https://Staging.example/api/"])
def test_the_api_of_another_source_is_refused(terminal: Terminal, url: str) -> None:
    terminal.stack.sources = DevLakeSources.parse("https://devlake.example/api", NONE, STAGING)

    assert terminal("reconcile", "--devlake", url) == 2

    complaint = "devlake: that is the API of source staging; give --source staging"
    assert terminal.err == f"error: {complaint}\n"
    assert terminal.stack.devlake.reached == []
    assert terminal("reconcile", "--devlake", url, "--source", "staging") == 0


def test_the_events_are_those_of_their_source(terminal: Terminal) -> None:
    terminal.stack.sources = DevLakeSources.parse(NONE, NONE, STAGING)

    answer = terminal.json("reconcile", "--source", "staging", "--dry-run")

    (event, _) = answer["events"]
    assert (event["pipeline_id"], event["source"]) == ("39", "staging")
    assert event["event_id"] == "devlake:staging/39:PIPELINE_COMPLETED:2026-01-01T11:10:00Z"
    assert terminal("reconcile", "--source", "staging", "--dry-run") == 0
    assert terminal.out.splitlines()[-2].startswith("staging/39")


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("default", "devlake: the stack knows no API of source default; give --devlake URL"),
        ("nobody", "source: 'nobody' is not one of: default, staging, bare"),
        ("bare", "devlake: the stack knows no API of source bare; give --devlake URL"),
    ],
)
def test_a_source_is_one_that_the_stack_declares(
    terminal: Terminal, source: str, complaint: str
) -> None:
    terminal.stack.sources = DevLakeSources.parse(NONE, NONE, STAGING)

    assert terminal("reconcile", "--source", source) == 2

    assert terminal.err == f"error: {complaint}\n"


def test_a_devlake_that_is_away_is_exit_code_1(terminal: Terminal) -> None:
    terminal.stack.devlake.away = True

    assert terminal(*DEVLAKE) == 1
    assert terminal.err == "error: DevLake is unavailable: no connection\n"

    assert terminal(*DEVLAKE, "--output", "json") == 1
    assert terminal.err.startswith('{"error": "devlake_unavailable", ')
