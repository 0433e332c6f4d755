"""The system's clock."""

from lakehook.adapters.system import SystemClock


def test_a_negative_wait_returns_at_once() -> None:
    SystemClock().sleep(-3600)
