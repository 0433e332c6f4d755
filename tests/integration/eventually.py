"""Wait for a condition with a deadline, the only kind of wait in these tests."""

import time
from collections.abc import Callable

PATIENCE = 180.0
"""Seconds; never the time that something takes, only the end of waiting for what never comes."""

MAX_PAUSE_SECONDS = 0.25


def eventually(condition: Callable[[], object], *, what: Callable[[], str] = str) -> None:
    """Poll until the condition holds; fail, and say what is missing, when it does not in time.

    It polls less often the longer it waits: what is waited for needs the processor that polling
    costs, since most conditions ask the local cloud.
    """
    began = time.monotonic()
    while not condition():
        waited = time.monotonic() - began
        assert waited < PATIENCE, f"not within {PATIENCE:.0f} s {what()}"
        time.sleep(min(max(0.01, waited / 10), MAX_PAUSE_SECONDS))
