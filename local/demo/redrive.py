"""Redrive of a dead letter with the operator's own command."""

import subprocess
import sys
import time
from dataclasses import replace

from rich.console import Console
from rich.text import Text

from local import account
from local.demo.subscribers import NO_PROGRESS_SECONDS, REFUSED, Stuck, Subscriber, wait_until_taken
from local.environment import ROOT


def repair(console: Console, endpoint_url: str, subscriber: Subscriber, stuck: Stuck) -> None:
    """Show the dead letter and the deliveries behind it, repair the receiver, redrive."""
    name = subscriber.receiver.name
    _wait_for_the_letter(endpoint_url, name)
    console.print(
        f"{name} has refused #1 of {REFUSED} until its retries were spent: a dead letter."
        "\n#2 and #3 wait behind it.",
        highlight=False,
    )
    _run(console, endpoint_url, "dead-letters", "list", "--subscription", name)
    stuck.repaired = True
    console.print(f"{name} is repaired. An operator redrives the dead letter:")
    _run(console, endpoint_url, "dead-letters", "redrive", "--subscription", name, "--yes")
    wait_until_taken([replace(subscriber, refuses=0)])


def _wait_for_the_letter(endpoint_url: str, name: str) -> None:
    ends_at = time.monotonic() + NO_PROGRESS_SECONDS
    while time.monotonic() < ends_at:
        completed = _lakehook(
            endpoint_url, "dead-letters", "list", "--subscription", name, "--output=json"
        )
        if completed.stdout.strip() not in {"", "[]"}:
            return


def _run(console: Console, endpoint_url: str, *arguments: str) -> None:
    console.print(f"$ lakehook {' '.join(arguments)}", style="bold")
    completed = _lakehook(endpoint_url, *arguments)
    for line in (completed.stdout + completed.stderr).splitlines():
        console.print(Text(f"  {line.rstrip()}"), no_wrap=True, overflow="ellipsis")
    console.print()


def _lakehook(endpoint_url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lakehook.cli", *arguments],
        cwd=ROOT,
        env=account.variables(endpoint_url),
        capture_output=True,
        text=True,
        check=False,
    )
