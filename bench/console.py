"""Latency of the console's first page, with 10,000 held lanes, at a table of 5 ms a call."""

import time
from collections.abc import Sequence
from dataclasses import replace

from bench import status
from bench.harness import Row, Sample, check_limit
from tests.console_scenes import Visitor, visitor
from tests.fakes_ops import FakeStack

SUBSCRIPTIONS, LANES, CALL_SECONDS, MAX_SECONDS = 50, 10_000, 0.005, 0.2


def measure(*, quick: bool) -> Sequence[Row]:
    table = status.HeldTable(LANES // SUBSCRIPTIONS, CALL_SECONDS)
    shown = status.show_status(table, subscriptions=SUBSCRIPTIONS)
    service = replace(FakeStack().service(), show_status=shown)
    page = visitor(lambda: service)
    page.page("/")  # its templates are compiled once
    sample = Sample([_seconds(page) for _ in range(2 if quick else 10)])
    name = f"first page of the console, {SUBSCRIPTIONS} subscriptions with {LANES:,} held lanes"
    target = check_limit(sample.median, MAX_SECONDS, unit="s")
    return [sample.row(name, unit="s", on="a table that answers in 5 ms", **target)]


def _seconds(page: Visitor) -> float:
    began = time.perf_counter()
    page.page("/")
    return time.perf_counter() - began
