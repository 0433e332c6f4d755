"""Redrive of a dead letter with the operator's own command."""

import subprocess
import sys
import time

from rich.console import Console

from local import account
from local.demo.subscribers import REFUSED, Stuck, Subscriber
from local.environment import ROOT

PATIENCE_SECONDS = 15.0


def repair(console: Console, endpoint_url: str, subscriber: Subscriber, stuck: Stuck) -> None:
    """Show the dead letter and what waits behind it, repair the receiver, redrive."""
    name = subscriber.receiver.name
    console.print(
        f"{name} has refused #1 of pipeline {REFUSED}: a dead letter, and what follows waits"
    )
    _wait_for_the_letter(endpoint_url, name)
    _run(console, endpoint_url, "dead-letters", "list", "--subscription", name)
    stuck.repaired = True
    console.print(
        f"{name} is repaired; the dead letter is redriven, and all that waited follows in order"
    )
    _run(console, endpoint_url, "dead-letters", "redrive", "--subscription", name, "--yes")
    subscriber.receiver.wait_until_taken(subscriber.count, within=PATIENCE_SECONDS)


def _wait_for_the_letter(endpoint_url: str, name: str) -> None:
    ends_at = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < ends_at:
        completed = _lakehook(
            endpoint_url, "dead-letters", "list", "--subscription", name, "--output=json"
        )
        if completed.stdout.strip() not in {"", "[]"}:
            return


def _run(console: Console, endpoint_url: str, *arguments: str) -> None:
    console.print(f"$ lakehook {' '.join(arguments)}", style="bold")
    completed = _lakehook(endpoint_url, *arguments)
    console.print(completed.stdout + completed.stderr, highlight=False, markup=False)


def _lakehook(endpoint_url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lakehook.cli", *arguments],
        cwd=ROOT,
        env=account.variables(endpoint_url),
        capture_output=True,
        text=True,
        check=False,
    )
