"""The operator's command over a stack of fakes."""

import io
import json
from typing import Any

import pytest

from lakehook.cli.command import run
from lakehook.cli.context import CommandService
from lakehook.domain.subscription import Subscription
from lakehook.ports.outbound import Warn
from tests.fakes_ops import FakeStack

URL = "https://ci.example/hook"


class Terminal:
    """Runs the command against a stack, and remembers its output."""

    def __init__(self, stack: FakeStack, capsys: pytest.CaptureFixture[str]) -> None:
        self.stack, self._capsys = stack, capsys
        self.stacks: list[str] = []
        self.out = self.err = ""

    def __call__(self, *arguments: str) -> int:
        code = run(arguments, self._open)
        self.out, self.err = self._capsys.readouterr()
        return code

    def parse_output(self) -> Any:
        return json.loads(self.out)

    def json(self, *arguments: str) -> Any:
        assert self(*arguments, "--output", "json") == 0, self.err
        return json.loads(self.out)

    def _open(self, stack: str, warn: Warn) -> CommandService:
        self.stacks.append(stack)
        return self.stack.service(warn)


def add(terminal: Terminal, *options: str, name: str = "ci") -> Any:
    return terminal.json("subscriptions", "add", "--name", name, "--url", URL, *options)


class Keyboard(io.BytesIO):
    """A standard input at which a person types."""

    def isatty(self) -> bool:
        return True


def stored_subscription(terminal: Terminal) -> Subscription:
    (subscription,) = terminal.stack.subscriptions.all()
    return subscription
