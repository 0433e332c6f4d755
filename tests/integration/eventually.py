"""Waiting for a condition with a deadline, the only kind of waiting in these tests."""

import time
from collections.abc import Callable


def eventually(
    condition: Callable[[], object],
    *,
    within_seconds: float = 15,
    what: Callable[[], str] = str,
) -> None:
    """Look until the condition holds; fail, and say what is missing, when it does not in time."""
    deadline = time.monotonic() + within_seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {within_seconds} s {what()}"
        time.sleep(0.01)
