# ruff: noqa: T201  it prints for people
"""``make fuzz``: each target for a while, with other inputs every time."""

import argparse
import sys
from time import monotonic

from hypothesis import HealthCheck, Phase, given, settings

from tests.fuzz.targets import TARGETS, Target

EXAMPLES_AT_A_TIME = 500


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0, help="for each target")
    minutes = parser.parse_args().minutes
    for target in TARGETS:
        print(f"{_fuzzed(target, 60 * minutes):9,}  {target.check.__name__}", flush=True)
    return 0


def _fuzzed(target: Target, seconds: float) -> int:
    """Return how many inputs were tried; the first that fails is shrunk, shown and raised."""
    ends_at, tried = monotonic() + seconds, 0

    @settings(
        max_examples=EXAMPLES_AT_A_TIME,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(target.inputs)
    def check(written: object) -> None:
        nonlocal tried
        tried += 1
        target.check(written)

    while monotonic() < ends_at:
        check()
    return tried


if __name__ == "__main__":
    sys.exit(main())
