"""Commands of README.md, typed from top to bottom on a fresh laptop cloud.

Its translation has the same code but for comments (``tests/infra/test_documents.py``).
"""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import local.up
from lakehook.cli.bootstrap import open_service
from lakehook.cli.command import run
from lakehook.cli.context import CommandService
from lakehook.cli.errors import PERSON_NEEDED
from lakehook.cli.options import STACK
from local.__main__ import LAPTOP_SECRET, app
from local.function import ROOT
from local.installation import LocalLakehook, Options
from tests.integration.eventually import eventually

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(sh|python)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
TARGETS = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
HERE_DOCUMENT = re.compile(r"<<'(\w+)'$")
ENDS = {"lakehook status": PERSON_NEEDED}  # a dead letter waits for one
WAITS = ("lakehook status", "lakehook dead-letters discard --subscription ci --yes")
"""Commands before which a person waits for the last retry."""

FASTER: dict[str, Any] = {"port": 0, "retry_schedule": "0.2", "clock_seconds": 0.3}


def statements(block: str) -> Iterator[str]:
    """Yield lines of shell, each with its continuation or its here-document."""
    lines = iter(block.splitlines())
    for line in lines:
        text = line
        while text.endswith("\\"):
            text = text[:-1] + next(lines)
        if match := HERE_DOCUMENT.search(text):
            body = iter(lambda: next(lines), match[1])
            text = "\n".join([text, *body, match[1]])
        yield text


class Typist:
    """Types at three terminals: of the laptop, of the receiver, and of the commands."""

    def __init__(
        self,
        exits: ExitStack,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        self._exits, self._capsys, self._monkeypatch = exits, capsys, monkeypatch
        self._options: list[Options] = []
        self.listener: subprocess.Popen[str] | None = None
        self.typed: list[str] = []
        self._last_death = ""
        self.laptop: LocalLakehook
        self.service: CommandService

    def shell(self, line: str) -> None:
        self.typed.append(line)
        command = line.partition(" ")[0]
        if command == "make":
            assert shlex.split(line, comments=True)[1] in TARGETS
        elif "-m local up" in line:
            self._start_laptop(line)
        elif line == "lakehook listen":
            self._listen()
        elif command in ("lakehook", "curl"):
            getattr(self, f"_{command}")(line)
        elif command == "export":
            self._export(line)
        else:
            subprocess.run(["bash", "-ec", line], check=True)

    def _export(self, line: str) -> None:
        name, _, value = shlex.split(line)[1].partition("=")
        if name == "AWS_ENDPOINT_URL":
            assert value == "http://127.0.0.1:4566"
        else:
            self._monkeypatch.setenv(name, value)

    def _start_laptop(self, line: str) -> None:
        app(shlex.split(line.partition("-m local ")[2]), standalone_mode=False)
        (options,) = self._options
        assert (options.port, options.notification_secret) == (4566, LAPTOP_SECRET)
        self.laptop = self._exits.enter_context(LocalLakehook(replace(options, **FASTER)))
        self.service = open_service(STACK, print)

    def run_laptop(self, options: Options, *, as_json: bool, **_: Any) -> int:
        assert as_json  # nobody looks
        self._options.append(options)
        return 0

    def _listen(self) -> None:
        command = [sys.executable, "-m", "lakehook.cli", "listen", "--port", "0"]
        self.listener = self._exits.enter_context(
            subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        )
        self._exits.callback(self.listener.kill)
        assert self.listener.stdout
        match = re.search(r"http://127\.0\.0\.1:(\d+)/", self.listener.stdout.readline())
        assert match
        self.port = match[1]

    def _lakehook(self, line: str) -> None:
        line = line.replace("listen-8000", f"listen-{self.port}")
        plain = " ".join(shlex.split(line, comments=True))
        if plain in WAITS:
            eventually(self._has_died)
        arguments = [os.path.expandvars(word) for word in shlex.split(line, comments=True)[1:]]
        target = arguments[arguments.index(">") + 1] if ">" in arguments else None
        arguments = arguments[: arguments.index(">")] if ">" in arguments else arguments

        code = run(arguments, lambda _stack, _warn: self.service)

        output = self._capsys.readouterr()
        assert code == ENDS.get(plain, 0), (line, output.out, output.err)
        if target:
            Path(target).write_text(output.out, encoding="utf-8")

    def _curl(self, line: str) -> None:
        """Call the API, whose laptop does not ask who is calling."""
        keys = {"AWS_REGION": "eu-north-1", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
        for name, value in (keys | {"API_URL": self.laptop.deployment.api_url}).items():
            self._monkeypatch.setenv(name, value)
        ended = subprocess.run(["bash", "-ec", line], check=True, capture_output=True, text=True)
        assert {
            subscription["name"] for subscription in json.loads(ended.stdout)["subscriptions"]
        } >= {
            "ci",
            "archive",
        }

    def _has_died(self) -> bool:
        """Return whether a dead letter has a later attempt than any at the last call."""
        letters = self.read_json("dead-letters", "list")
        last = max((letter["last_attempt_at"] for letter in letters), default="")
        is_new, self._last_death = last > self._last_death, max(last, self._last_death)
        return is_new

    def read_json(self, *arguments: str) -> Any:
        run([*arguments, "--output", "json"], lambda _stack, _warn: self.service)
        return json.loads(self._capsys.readouterr().out)

    def python(self, block: str, spool: Path, variables: dict[str, Any]) -> None:
        variables["events_queue_url"] = self.laptop.deployment.events_queue_url
        exec(block.replace("/var/spool/pipelines.sqlite", str(spool)), variables)

    def stop_listening(self) -> str:
        assert self.listener
        self.listener.send_signal(signal.SIGINT)
        output, _ = self.listener.communicate(timeout=180)
        assert self.listener.returncode == 0
        return output


@contextmanager
def typing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Typist]:
    with ExitStack() as exits:
        typist = Typist(exits, capsys, monkeypatch)
        monkeypatch.setattr(local.up, "up", typist.run_laptop)
        yield typist


def test_every_command_in_order_can_be_typed_as_it_stands(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    variables: dict[str, Any] = {}
    with typing(monkeypatch, capsys) as typist:
        for language, block in BLOCKS:
            if language == "python":
                typist.python(block, tmp_path / "spool", variables)
                continue
            for statement in statements(block):
                typist.shell(statement)
        output = typist.stop_listening()
        names = [subscription["name"] for subscription in typist.read_json("subscriptions", "list")]

    delivered = [
        line.split()[1:4] for line in output.splitlines() if "-> 204" in line and "PING" not in line
    ]
    assert delivered[:3] == [
        ["39", f"#{number}", f"PIPELINE_{state}"]
        for number, state in enumerate(("CREATED", "RUNNING", "FAILED"), start=1)
    ]
    assert sorted(names) == ["archive", "ci", "值班群"]
    assert len(typist.typed) > 30
