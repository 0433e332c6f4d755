"""Measurement of a figure in turns with its reference, and the row that reports it."""

import gc
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median, quantiles
from typing import Any

MEMORY, CLOUD = "in-memory ports", "local cloud"


@dataclass(frozen=True, kw_only=True)
class Row:
    """Line of the table."""

    measure: str
    value: float
    unit: str
    on: str  # in-memory ports, the local cloud, …
    low: float | None = None
    high: float | None = None
    ratio: float | None = None  # to the reference of the same run
    reference: str | None = None
    to_reach: str | None = None
    reached: bool | None = None

    @property
    def document(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True)
class Sample:
    values: Sequence[float]

    @property
    def median(self) -> float:
        return median(self.values)

    def percentile(self, number: int) -> float:
        return quantiles(self.values, n=100, method="inclusive")[number - 1]

    def row(self, measure: str, *, factor: float = 1.0, unit: str, on: str, **target: Any) -> Row:
        low, high = min(self.values) * factor, max(self.values) * factor
        value = self.median * factor
        return Row(measure=measure, value=value, low=low, high=high, unit=unit, on=on, **target)


def measure_in_turns(works: Mapping[str, Callable[[], float]], *, rounds: int) -> dict[str, Sample]:
    """Measure each in turn; what slows the machine for a while slows them all."""
    for work in works.values():
        work()
    values: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            gc.collect()
            values[name].append(work())
    return {name: Sample(measurements) for name, measurements in values.items()}


def compare(
    measured: Sample, reference: Sample, *, reference_name: str, at_most: float | None = None
) -> dict[str, Any]:
    """Compare the medians, and judge whether their ratio is what was to be reached."""
    ratio = measured.median / reference.median
    comparison: dict[str, Any] = {"ratio": ratio, "reference": reference_name}
    if at_most is not None:
        comparison |= {"to_reach": f"≤ {at_most:g} ×", "reached": ratio <= at_most}
    return comparison


def check_limit(value: float, limit: float, *, unit: str) -> dict[str, Any]:
    return {"to_reach": f"≤ {limit:g} {unit}", "reached": value <= limit}


def cpu_seconds(work: Callable[[], object], *, times: int = 1) -> float:
    """Return the CPU of the whole process, all its threads together, each time."""
    began = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - began) / times


def wall_seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
