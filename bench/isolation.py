"""What the lanes of nine endpoints notice of a tenth that never answers."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.delivering import LANES, Function
from bench.harness import MEMORY, Row, Sample
from bench.receiver import receiving
from lakehook.adapters.system import SystemClock
from lakehook.domain.lane import DeliveryRecord, DeliveryStatus, HeldLane
from tests.fakes import FakeLedger

BEFORE, AFTER = 2.0, 1.1
BATCHES_BEFORE = 4  # by the fifth failure the breaker opens


@dataclass
class TimedLedger(FakeLedger):
    """Notes when each delivery was recorded as such."""

    delivered_at: list[float] = field(default_factory=list)

    def save(
        self, record: DeliveryRecord, *, before: HeldLane | None, after: HeldLane | None
    ) -> DeliveryRecord:
        if record.status is DeliveryStatus.DELIVERED:
            self.delivered_at.append(time.perf_counter())
        return super().save(record, before=before, after=after)


class Run:
    """Batches of ten lanes, each of a pipeline of its own, so that none is held already."""

    def __init__(self, urls: Sequence[str]) -> None:
        self.ledger = TimedLedger(clock=SystemClock())  # type: ignore[arg-type]
        self.function = Function(urls, ledger=self.ledger, deadline_seconds=1.0)
        self.pipeline = 0

    def latencies(self) -> list[float]:
        self.pipeline += 1
        records = self.function.batch(pipelines=[str(self.pipeline)])
        self.ledger.delivered_at.clear()
        began = time.perf_counter()
        self.function(records)
        return [at - began for at in sorted(self.ledger.delivered_at)]


def measure(*, quick: bool) -> Sequence[Row]:
    batches = 10 if quick else 60
    with receiving() as url:
        well = [f"{url}/slow/20"] * LANES
        healthy, sick = Run(well), Run([f"{url}/hang", *well[1:]])
        healthy.latencies()
        before = [latency for _ in range(BATCHES_BEFORE) for latency in sick.latencies()]
        alone = [latency for _ in range(BATCHES_BEFORE) for latency in healthy.latencies()]
        sick.latencies()
        after: list[float] = []
        alone_after: list[float] = []
        for _ in range(batches):
            after += sick.latencies()
            alone_after += healthy.latencies()
        health = sick.ledger.healths.known[f"sub_{0:022d}"]
        assert health.is_open, health
        healthy.function.close()
        sick.function.close()
    return [
        _row("before the breaker opened", before, alone, at_most=BEFORE),
        _row("after it", after, alone_after, at_most=AFTER),
    ]


def _row(when: str, values: Sequence[float], alone: Sequence[float], *, at_most: float) -> Row:
    p99, reference = Sample(values).percentile(99), Sample(alone).percentile(99)
    return Row(
        measure=f"p99 of healthy lanes, one of ten hangs, {when}",
        value=1e3 * p99,
        unit="ms",
        on=MEMORY,
        ratio=p99 / reference,
        reference="without it",
        to_reach=f"≤ {at_most:g} ×",
        reached=p99 / reference <= at_most,
    )
