"""Every measurement, as ratios to references of the same run: ``python -m bench``.

``--only NAME`` runs one, ``--quick`` fewer rounds of each; neither is written down.
"""

import argparse
import json
import os
import platform
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from rich.console import Console

from bench.harness import Row
from bench.page import renew
from bench.table import table_of

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "latest.json"
PICTURE = HERE.parent / "docs" / "img" / "bench.png"
WIDTH = 150
PAGE = HERE.parent / "docs" / "performance.md"
BENCHMARKS = (
    "delivery_cpu",
    "aws_clients",
    "batch_time",
    "isolation",
    "calls",
    "cold_start",
    "memory",
    "fan_out",
    "patterns",
    "waiting",
    "dead_subscriber",
    "status",
    "console",
    "hops",
    "laptop",
    "simulation",
)
NEEDED = {"simulation": "greenlet"}
NEEDED_TO_DRAW = "matplotlib"
"""All that `make install SET=local` leaves out."""


def main() -> None:
    arguments = _arguments()
    _check_packages(arguments)
    console = Console(width=WIDTH)
    rows: list[Row] = []
    for name in arguments.only or BENCHMARKS:
        began = time.perf_counter()
        measured: Sequence[Row] = import_module(f"bench.{name}").measure(quick=arguments.quick)
        console.print(f"[dim]{name}: {time.perf_counter() - began:.0f} s", highlight=False)
        rows += measured
    console.print(table_of(rows))
    if not (arguments.only or arguments.quick):
        _write(rows)


def _check_packages(arguments: argparse.Namespace) -> None:
    """Exit before anything is measured, if a package is missing."""
    needed = {name: NEEDED[name] for name in arguments.only or BENCHMARKS if name in NEEDED}
    if not (arguments.only or arguments.quick):
        needed["the picture"] = NEEDED_TO_DRAW
    missing = [
        f"{user} needs {package}" for user, package in needed.items() if find_spec(package) is None
    ]
    if missing:
        raise SystemExit(f"{', '.join(missing)}: make install, or --only another measure")


def _write(rows: Sequence[Row]) -> None:
    from bench.picture import draw  # noqa: PLC0415  --only draws nothing, and needs no matplotlib

    document: dict[str, Any] = {
        "machine": machine(),
        "rows": [row.document for row in rows],
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    draw(document, PICTURE)
    facts = document["machine"]
    description = (
        f"{facts['cores']} cores ({facts['cpu']}), Python {facts['python']}, {facts['date']}"
    )
    renew(PAGE, rows, description)


def machine() -> dict[str, object]:
    return {
        "date": datetime.fromtimestamp(time.time(), UTC).date().isoformat(),
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "system": platform.system(),
    }


def _cpu() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.exists() else []
    names = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "--only", action="append", choices=BENCHMARKS, help="this measurement alone"
    )
    parser.add_argument("--quick", action="store_true", help="fewer rounds, rougher figures")
    return parser.parse_args()


if __name__ == "__main__":
    main()
