"""Waiting for what is over already."""

from lakehook.adapters.system import SystemClock


def test_nobody_waits_for_what_is_over_and_it_is_no_error() -> None:
    SystemClock().sleep(-3600)
