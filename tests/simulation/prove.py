# ruff: noqa: T201  it prints for people
"""``make prove``: plays all histories of each small world; the first broken promise ends it.

A counterexample is printed as a story, with the sequence of choices that replays it.
"""

import argparse
import sys
from dataclasses import dataclass, field
from math import inf
from time import monotonic, process_time

from tests.simulation.play import one_after_the_other
from tests.simulation.play_world import History, play
from tests.simulation.search import Path, Search
from tests.simulation.worlds import ALL, UNFINISHED, World

PROGRESS_SECONDS = 10.0
SOME = 50  # histories between two looks at a clock


@dataclass(frozen=True)
class Proof:
    """What came of a search: exhausted, ended by a broken promise, or given up."""

    world: World
    search: Search
    seconds: float  # of this process
    broken: History | None

    @property
    def is_exhausted(self) -> bool:
        return self.search.is_exhausted and self.broken is None

    def __str__(self) -> str:
        search = self.search
        which = "all but of a thaw" if self.world.thaws_for_good else "all"
        result = "exhausted" if self.is_exhausted else f"ended, {search.left} branches left"
        return (
            f"{self.world.name:40} {which:20} {search.states:8,} states"
            f" {search.histories:8,} histories {self.seconds:7.1f} s  {result}"
        )

    def report(self) -> str:
        assert self.broken
        choices = ",".join(map(str, self.broken.path.taken.rstrip(b"\0"))) or "0"
        command = f"python -m tests.simulation.prove --world '{self.world.name}' --replay {choices}"
        return f"{self.broken.report()}\n\n{command}"


@dataclass
class Progress:
    """A line on a terminal every ten seconds, for as long as a world takes."""

    world: World
    search: Search
    next_at: float = field(default_factory=lambda: monotonic() + PROGRESS_SECONDS)

    def tell(self) -> None:
        if monotonic() < self.next_at or not sys.stderr.isatty():
            return
        self.next_at = monotonic() + PROGRESS_SECONDS
        search = self.search
        print(
            f"{self.world.name}: {search.states:,} states, {search.left} branches left",
            file=sys.stderr,
        )


def explore(world: World, *, most_seconds: float = inf) -> Proof:
    """Play every history, depth first."""
    search, began = Search(), process_time()
    broken, progress = None, Progress(world, search)
    with one_after_the_other():
        while not broken and (path := search.next_path()):
            history = play(world, path)
            broken = history if history.violations else None
            if search.histories % SOME == 0:  # the system's clock is slow
                progress.tell()
                if process_time() - began > most_seconds:
                    break
    return Proof(world, search, process_time() - began, broken)


def main() -> int:
    wanted = _arguments()
    names = wanted.world or {world.name for world in ALL} - UNFINISHED
    worlds = [world for world in ALL if world.name in names]
    if wanted.replay is not None:
        choices = bytes(map(int, filter(None, wanted.replay.split(","))))
        history = play(worlds[0], Path(Search(), prefix=choices), aloud=True)
        print(history.report())
        return 1 if history.violations else 0
    return _prove(worlds, most_seconds=wanted.seconds)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.prove", description=__doc__)
    names = [world.name for world in ALL]
    parser.add_argument("--world", action="append", choices=names, help="play this world alone")
    parser.add_argument("--replay", metavar="0,1,…", help="play one history, and tell all of it")
    parser.add_argument("--seconds", type=float, default=inf, help="give a world up after so long")
    return parser.parse_args()


def _prove(worlds: list[World], *, most_seconds: float) -> int:
    is_complete = True
    for world in worlds:
        proof = explore(world, most_seconds=most_seconds)
        print(proof, flush=True)
        if proof.broken:
            print(proof.report())
            return 1
        is_complete &= proof.is_exhausted
    return 0 if is_complete else 2


if __name__ == "__main__":
    sys.exit(main())
