"""Commands and samples of docs/channels.md, which must be those of the code."""

import json
import re
import shlex
from pathlib import Path

import pytest

from lakehook.domain.attempt import Attempt, Outcome
from lakehook.domain.channels import CHANNELS
from lakehook.domain.queue_message import PingResult
from lakehook.domain.subscription import Language, Locale
from tests.builders import a_delivery
from tests.fakes import NOON
from tests.fakes_ops import FakeStack
from tests.terminal import Terminal

PAGE = (Path(__file__).parents[2] / "docs" / "channels.md").read_text(encoding="utf-8")
FAILED = a_delivery(
    event_type="PIPELINE_FAILED",
    project_name="payments",
    timestamp="2026-01-01T12:00:00+08:00",
    began_at="2026-01-01T10:54:30+08:00",
    finished_at="2026-01-01T12:00:00+08:00",
    pipeline_name="nightly",
    total_tasks=9,
    finished_tasks=7,
    message=(
        "Error running pipeline 39.\n"
        "Wraps: (2) Error running task 131.\n"
        "  | Wraps: (2) subtask collectIssues ended unexpectedly\n"
        "Error types: (1) *hintdetail.withDetail (2) *hintdetail.withDetail"
    ),
    failed_tasks=[
        {
            "id": number,
            "plugin": plugin,
            "status": "TASK_FAILED",
            "message": "subtask collectIssues ended unexpectedly: 401 Unauthorized",
        }
        for number, plugin in enumerate(("jira", "github", "gitlab", "jenkins"), 131)
    ],
    pipeline_url="https://devlake.example/advanced/pipeline/39",
)


def commands() -> list[list[str]]:
    return [
        shlex.split(line.replace("…", "x"))[1:]
        for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
        for line in block.splitlines()
    ]


def test_the_commands_of_the_page_are_valid(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.chdir(tmp_path)
    Path("secret.txt").write_text("SECs3cret\n", encoding="utf-8")
    Path("bot.liquid").write_text("{{ event_type | json }}", encoding="utf-8")
    terminal = Terminal(FakeStack(), capsys)
    attempt = Attempt(at=NOON, outcome=Outcome.DELIVERED, milliseconds=7, status=200)
    terminal.stack.queue.result_of = lambda _: PingResult(attempt, echoed=False)

    for command in commands():
        assert terminal(*command) == 0, terminal.err

    subscribed = [subscription.channel for subscription in terminal.stack.subscriptions.all()]
    assert subscribed == ["slack", "wecom", "feishu", "dingtalk", "teams", "email", "webhook"]


def test_the_samples_of_the_page_are_the_rendered_messages():
    slack = json.loads(CHANNELS["slack"].render(FAILED, Locale()).body)
    wecom = json.loads(CHANNELS["wecom"].render(FAILED, Locale(Language.CHINESE)).body)
    mail = CHANNELS["email"].render(FAILED, Locale(time_zone="Europe/Berlin"))
    quoted = re.sub("<[^>]*>|[*]{2}", "", wecom["markdown"]["content"]).replace(">", "│")
    quoted = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", quoted)  # a link is its text

    assert slack["text"] in PAGE
    message, link = (block["text"]["text"] for block in slack["blocks"][2:])
    assert message in PAGE
    assert link.partition("|")[2].rstrip(">") in PAGE
    for field in slack["blocks"][1]["fields"]:
        label, value = field["text"].split("\n")
        if value.startswith("<!date^"):
            value = "2026-01-01 05:00:00"  # for a reader in Berlin
        assert label.strip("*") in PAGE
        assert value in PAGE
    assert f"```\n{quoted}\n```" in PAGE
    assert f"```\nSubject: {mail.subject}\n\n{mail.body.decode()}```" in PAGE
