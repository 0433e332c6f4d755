"""Deliveries a second that the simulation plays, faults and judgement included."""

import time
from collections.abc import Sequence

from bench.harness import Row
from tests.simulation.play import one_after_the_other, play
from tests.simulation.scenario import draw

MIN_PER_SECOND = 5_000
FIRST_SEED = 1


def measure(*, quick: bool) -> Sequence[Row]:
    histories = 20 if quick else 120
    began = time.process_time()
    with one_after_the_other():
        deliveries = sum(map(_count_deliveries, range(FIRST_SEED, FIRST_SEED + histories)))
    speed = deliveries / (time.process_time() - began)
    return [
        Row(
            measure=f"simulation, {histories} histories with faults",
            value=speed,
            unit="deliveries/s",
            on="simulated time, one core",
            to_reach=f"≥ {MIN_PER_SECOND:,}",
            reached=speed >= MIN_PER_SECOND,
        )
    ]


def _count_deliveries(seed: int) -> int:
    played = play(draw(seed))
    assert not played.violations, played.report()
    return len(played.system.ledger.records)
