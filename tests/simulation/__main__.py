# ruff: noqa: T201  it prints for people
"""``python -m tests.simulation``: one history aloud, or as many as time allows."""

import argparse
import sys
from collections import Counter
from time import monotonic

from tests.simulation.play import Played, one_after_the_other, play
from tests.simulation.scenario import draw

PROGRESS_SECONDS = 10.0


def main() -> int:
    arguments = _arguments()
    if arguments.seed is not None:
        played = play(draw(arguments.seed))
        if arguments.verbose:
            print(played.system.history.read())
        print(played.report() or f"seed {arguments.seed}: every promise kept")
        return 1 if played.violations else 0
    with one_after_the_other():
        return _soak(arguments.start, minutes=arguments.minutes, deliveries=arguments.deliveries)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, help="play this history alone")
    parser.add_argument("-v", "--verbose", action="store_true", help="tell all that happens")
    parser.add_argument("--minutes", type=float, help="stop after so long")
    parser.add_argument("--deliveries", type=int, help="stop after so many")
    parser.add_argument("--start", type=int, default=1, help="the first seed")
    arguments = parser.parse_args()
    if arguments.minutes is None and arguments.deliveries is None:
        arguments.minutes = 1.0
    return arguments


def _soak(seed: int, *, minutes: float | None, deliveries: int | None) -> int:
    """Play history after history; the first that breaks a promise ends it."""
    began = reported_at = monotonic()
    totals: Counter[str] = Counter()
    while (minutes is None or monotonic() - began < 60 * minutes) and (
        deliveries is None or totals["deliveries"] < deliveries
    ):
        played = play(draw(seed))
        totals += counted(played)
        if played.violations:
            print(f"seed {seed} breaks a promise\n{played.report()}")
            return 1
        if monotonic() - reported_at > PROGRESS_SECONDS:
            reported_at = monotonic()
            print(_line(totals, reported_at - began), flush=True)
        seed += 1
    print(_line(totals, monotonic() - began))
    for name, count in sorted(totals.items()):
        print(f"  {count:9,}  {name}")
    return 0


def counted(played: Played) -> Counter[str]:
    system = played.system
    faults = {f"fault: {fault}": count for fault, count in system.faults.injected.items()}
    ends = Counter(f"ended {record.status}" for record in system.ledger.records.values())
    return Counter(
        histories=1,
        deliveries=len(system.ledger.records),
        attempts=system.history.counts["attempts"],
        **faults,
        **ends,
    )


def _line(totals: Counter[str], seconds: float) -> str:
    return (
        f"{seconds:6.0f} s  {totals['histories']:,} histories,"
        f" {totals['deliveries']:,} deliveries, {totals['attempts']:,} attempts"
    )


if __name__ == "__main__":
    sys.exit(main())
