"""Table of the measurements that a person reads on the terminal."""

from collections.abc import Sequence

from rich.table import Table

from bench.harness import Row


def table_of(rows: Sequence[Row]) -> Table:
    table = Table("MEASURE", "MEDIAN", "SPREAD", "RATIO", "TO REACH", "", "ON", box=None)
    for row in rows:
        table.add_row(*cells_of(row))
    return table


def cells_of(row: Row) -> list[str]:
    spread = f"{figure(row.low)} – {figure(row.high)}" if row.low != row.high else ""
    ratio = f"{row.ratio:.2f} × {row.reference}" if row.ratio is not None else ""
    mark = {True: "yes", False: "NO", None: ""}[row.reached]
    value = f"{figure(row.value)} {row.unit}".strip()
    return [row.measure, value, spread, ratio, row.to_reach or "", mark, row.on]


def figure(value: float | None) -> str:
    if value is None:
        return ""
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2  # noqa: PLR2004  as read
    return f"{value:,.{digits}f}"
