"""The table in ``docs/performance.md``, between its two marks."""

from collections.abc import Sequence
from pathlib import Path

from bench.harness import Row
from bench.table import cells_of

BEGIN, END = "<!-- the table: make bench -->\n", "<!-- its end -->\n"
HEAD = ("measure", "median", "spread", "ratio", "to reach", "reached", "ran on")


def renew(page: Path, rows: Sequence[Row], machine: str) -> None:
    text = page.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    lines = [_line(HEAD), _line(["---"] * len(HEAD)), *(_line(cells_of(row)) for row in rows)]
    table = "\n".join([f"Taken on {machine}.", "", *lines, ""])
    page.write_text(f"{before}{BEGIN}{table}{END}{after}", encoding="utf-8")


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
