"""The ``lakehook`` command, run in this process against the local cloud."""

import json
from typing import Any

import pytest

from lakehook.cli.command import run
from lakehook.cli.context import CommandService


class Terminal:
    """Terminal with one service for all commands: opening it takes most of a second."""

    def __init__(self, service: CommandService, capsys: pytest.CaptureFixture[str]) -> None:
        self._open, self._capsys = service, capsys
        self.stderr = ""
        self.output: list[str] = []  # of all commands so far

    def __call__(self, *arguments: str) -> int:
        """Run a command, and return its exit code; ``stderr`` keeps its last errors."""
        return self._run(*arguments)[0]

    def json(self, *arguments: str, code: int | None = 0) -> Any:
        """Return the JSON of a command; ``code`` None allows any exit code."""
        exit_code, stdout = self._run(*arguments, "--output", "json")
        assert code in (exit_code, None), self.stderr
        return json.loads(stdout)

    def _run(self, *arguments: str) -> tuple[int, str]:
        exit_code = run(arguments, lambda _stack, _warn: self._open)
        stdout, self.stderr = self._capsys.readouterr()
        self.output += [stdout, self.stderr]
        return exit_code, stdout
