"""Waiting for a condition with a deadline, the only kind of waiting in these tests."""

import time
from collections.abc import Callable


def eventually(condition: Callable[[], object], *, within_seconds: float = 15) -> None:
    """Look until the condition holds; fail when it still does not at the deadline."""
    deadline = time.monotonic() + within_seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {within_seconds} s"
        time.sleep(0.01)
