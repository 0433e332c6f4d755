"""The ratios of the table as a picture: each bar beside the line of what was to be reached."""

from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import pyplot as plt

GOOD, BAD, PLAIN = "#2a7f62", "#b3413b", "#9aa5b1"


def draw(document: dict[str, Any], path: Path) -> None:
    rows = [row for row in document["rows"] if "ratio" in row]
    mpl.use("Agg")
    figure, axes = plt.subplots(figsize=(9, 0.42 * len(rows) + 1.2))
    for at, row in enumerate(reversed(rows)):
        axes.barh(at, row["ratio"], color=_colour(row), height=0.62)
        axes.text(row["ratio"], at, f" {row['ratio']:.2f}", va="center", fontsize=8)
        if row.get("to_reach", "").endswith("×"):
            limit = float(row["to_reach"].strip("≤ ×"))
            axes.plot([limit, limit], [at - 0.4, at + 0.4], color="black", linewidth=1.4)
    axes.axvline(1, color="#d0d5da", linewidth=0.8, zorder=0)
    axes.set_yticks(range(len(rows)), [_name(row) for row in reversed(rows)], fontsize=8)
    axes.set_xlim(0, max(2.2, *(min(row["ratio"], 10) * 1.1 for row in rows)))
    machine = document["machine"]
    axes.set_title(
        f"times the reference of the same run; the black line is what was to be reached"
        f"\n{machine['cores']} cores, {machine['cpu']}, Python {machine['python']},"
        f" {machine['date']}",
        fontsize=8,
    )
    axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120, metadata={"Software": None})
    plt.close(figure)


def _name(row: dict[str, Any]) -> str:
    return f"{row['measure']}  /  {row['reference']}"


def _colour(row: dict[str, Any]) -> str:
    return {True: GOOD, False: BAD, None: PLAIN}[row.get("reached")]
