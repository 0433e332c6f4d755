"""The pages under ``docs/`` that hold figures, each between two marks."""

from collections.abc import Sequence
from pathlib import Path

from bench.harness import Row
from bench.table import cells_of

BEGIN, END = "<!-- the table: make bench -->\n", "<!-- its end -->\n"
HEAD = ("measure", "median", "spread", "ratio", "to reach", "reached", "ran on")


def renew(page: Path, rows: Sequence[Row], machine: str) -> None:
    lines = (HEAD, ["---"] * len(HEAD), *map(cells_of, rows))
    table = "\n".join([f"Taken on {machine}.", "", *(table_line(*cells) for cells in lines), ""])
    replace_between(page, BEGIN, END, table)


def replace_between(page: Path, begin: str, end: str, figures: str) -> None:
    before, _, marked = page.read_text(encoding="utf-8").partition(begin)
    _, _, after = marked.partition(end)
    page.write_text(f"{before}{begin}{figures}{end}{after}", encoding="utf-8")


def table_line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
