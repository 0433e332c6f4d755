"""The ``lakehook`` command, run in this process against the local cloud."""

import json
from typing import Any

import pytest

from lakehook.cli.command import run
from lakehook.cli.context import CommandService


class Terminal:
    """One service for all commands: opening it takes most of a second."""

    def __init__(self, service: CommandService, capsys: pytest.CaptureFixture[str]) -> None:
        self._open, self._capsys = service, capsys
        self.complaint = ""
        self.said: list[str] = []  # all that it ever said

    def __call__(self, *arguments: str) -> int:
        """The exit code; what was said on stderr stays in ``complaint``."""
        return self._run(*arguments)[0]

    def json(self, *arguments: str, code: int | None = 0) -> Any:
        """The answer; with None whatever the exit code is."""
        exit_code, answer = self._run(*arguments, "--output", "json")
        assert code in (exit_code, None), self.complaint
        return json.loads(answer)

    def _run(self, *arguments: str) -> tuple[int, str]:
        code = run(arguments, lambda _stack, _warn: self._open)
        answer, self.complaint = self._capsys.readouterr()
        self.said += [answer, self.complaint]
        return code, answer
