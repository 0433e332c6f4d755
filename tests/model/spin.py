"""Exhaustive search of the model by spin, world by world."""

import re
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.model.checks import to_promela
from tests.model.writes import Write

MODEL = Path(__file__).with_name("lane.pml")
MEMORY_MB = 3000
MAX_DEPTH = 300_000
OPTIONS = ("-w", "-DSAFETY", "-DCOLLAPSE", "-DVECTORSZ=2048", f"-DMEMLIM={MEMORY_MB}")
NO_SPIN = "spin and a C compiler are not installed; on Debian: apt install spin gcc"


@dataclass(frozen=True)
class Searched:
    """Result of a search; only an exhaustive one counts."""

    states: int
    seconds: float
    rows: frozenset[int]  # of the table, that the model has written
    trail: str  # the steps to an error, empty if there is none

    @property
    def is_clean(self) -> bool:
        return not self.trail


def is_installed() -> bool:
    return all(map(shutil.which, ("spin", "gcc")))


def search(table: Sequence[Write], bounds: Iterable[str], *, is_large: bool = False) -> Searched:
    """Search every state within the bounds; raises ``AssertionError`` if memory did not suffice.

    What is large is compiled with care, which takes most of a minute.
    """
    defined = [f"-D{bound}" for bound in bounds]
    with TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copy(MODEL, folder)
        (folder / "checks.inc").write_text(to_promela(table))
        _run(folder, "spin", "-a", *defined, MODEL.name)
        _run(folder, "gcc", "-O2" if is_large else "-O0", *OPTIONS, "-o", "pan", "pan.c")
        output = _run(folder, "./pan", f"-m{MAX_DEPTH}")
        is_clean = "errors: 0" in output
        trail = "" if is_clean else _run(folder, "spin", "-t", "-p", "-g", *defined, MODEL.name)
    assert trail or not re.search("max search depth too small|MEMLIM|not completed", output), output
    return Searched(
        states=int(re.findall(r"(\d+) states, stored", output)[0]),
        seconds=float(re.findall(r"elapsed time ([\d.]+)", output)[0]),
        rows=frozenset(map(int, re.findall(r"^row (\d+)$", output, re.MULTILINE))),
        trail=trail,
    )


def _run(folder: Path, *command: str) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0 or command[0] == "./pan", done.stdout + done.stderr
    return done.stdout
