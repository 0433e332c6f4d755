"""How many deliveries a second the simulation plays, faults and judgement included."""

import time
from collections import Counter
from collections.abc import Sequence

from bench.harness import Row
from tests.simulation.__main__ import counted
from tests.simulation.play import play
from tests.simulation.scenario import draw

AT_LEAST = 5_000
FIRST_SEED = 1


def measure(*, quick: bool) -> Sequence[Row]:
    histories = 20 if quick else 120
    totals: Counter[str] = Counter()
    began = time.process_time()
    for seed in range(FIRST_SEED, FIRST_SEED + histories):
        played = play(draw(seed))
        assert not played.violations, played.story()
        totals += counted(played)
    speed = totals["deliveries"] / (time.process_time() - began)
    return [
        Row(
            measure=f"simulation, {histories} histories with faults",
            value=speed,
            unit="deliveries/s",
            on="simulated time, one core",
            to_reach=f"≥ {AT_LEAST:,}",
            reached=speed >= AT_LEAST,
        )
    ]
