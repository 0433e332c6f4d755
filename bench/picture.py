"""Picture of the table's ratios, grouped by their reference, on a logarithmic axis."""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

GOOD, BAD, PLAIN, FAINT = "#2a7f62", "#b3413b", "#7b8794", "#d0d5da"
COLOURS = {True: GOOD, False: BAD, None: PLAIN}
WIDTH_INCHES, ROW_INCHES, MARGIN_INCHES = 10.5, 0.27, 1.5
POINTS = 10  # of a page that is shown 900 pixels wide, 12 pixels
TICKS = (0.125, 0.25, 0.5, 1, 2, 4, 8, 16, 32)
PLOT_FROM, PLOT_TO = 0.46, 0.83  # shares of the width; names are before it, figures behind

Document = dict[str, Any]


def draw(document: Document, path: Path) -> None:
    lines = list(_lines([row for row in document["rows"] if "ratio" in row]))
    mpl.use("Agg")
    height = ROW_INCHES * len(lines) + MARGIN_INCHES
    figure, axes = plt.subplots(figsize=(WIDTH_INCHES, height))
    bottom, top = 0.4 / height, 1 - 0.95 / height
    figure.subplots_adjust(left=PLOT_FROM, right=PLOT_TO, bottom=bottom, top=top)
    for at, line in enumerate(reversed(lines)):
        if isinstance(line, str):
            _write_heading(axes, at, line)
        else:
            _draw_row(axes, at, line)
    _scale(axes, [line["ratio"] for line in lines if not isinstance(line, str)], len(lines))
    _write_title(figure, document["machine"], height)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130, metadata={"Software": None})
    plt.close(figure)


def _lines(rows: list[Document]) -> Iterator[Document | str]:
    """Yield the rows, with a heading before those that follow each other with one reference."""
    for reference, rows_of_reference in groupby(rows, key=lambda row: row["reference"]):
        yield f"reference: {reference}"
        yield from rows_of_reference


def _write_heading(axes: Axes, at: int, text: str) -> None:
    axes.annotate(
        text,
        (0, at),
        xycoords=("figure fraction", "data"),
        xytext=(8, 0),
        textcoords="offset points",
        va="center",
        fontsize=POINTS,
        fontweight="bold",
    )


def _draw_row(axes: Axes, at: int, row: Document) -> None:
    ratio, colour = row["ratio"], COLOURS[row.get("reached")]
    axes.plot([1, ratio], [at, at], color=colour, linewidth=6, solid_capstyle="butt")
    axes.plot([ratio], [at], "o", color=colour, markersize=8)
    to_reach = row.get("to_reach", "")
    if to_reach.endswith("×"):
        limit = float(to_reach.strip("≤ ×"))
        axes.plot([limit, limit], [at - 0.42, at + 0.42], color="black", linewidth=1.6)
    _write(axes, at, PLOT_FROM - 0.01, row["measure"], ha="right")
    _write(axes, at, PLOT_TO + 0.055, f"{ratio:.2f} ×", ha="right", color=colour)
    failed = ", no" if row.get("reached") is False else ""
    _write(axes, at, PLOT_TO + 0.065, f"{to_reach}{failed}", color=BAD if failed else "black")


def _write(axes: Axes, at: int, share: float, text: str, **style: Any) -> None:
    """Write at a share of the figure's width."""
    place = ("figure fraction", "data")
    axes.annotate(text, (share, at), xycoords=place, va="center", fontsize=POINTS, **style)


def _scale(axes: Axes, ratios: list[float], count: int) -> None:
    axes.set_xscale("log")
    axes.set_xlim(min(ratios) / 1.3, max(ratios) * 1.3)
    axes.set_ylim(-0.8, count - 0.2)
    low, high = axes.get_xlim()
    ticks = [tick for tick in TICKS if low <= tick <= high]
    axes.set_xticks(ticks, [f"{tick:g} ×" for tick in ticks], fontsize=POINTS)
    axes.set_xticks([], minor=True)
    axes.set_yticks([])
    for tick in ticks:
        colour = PLAIN if tick == 1 else FAINT
        axes.axvline(tick, color=colour, linewidth=0.9, zorder=0)
    axes.spines[["top", "right", "left"]].set_visible(False)


def _write_title(figure: Any, machine: Document, height: float) -> None:
    machine_text = f"{machine['cores']} cores, {machine['cpu']}, Python {machine['python']}"
    figure.text(
        0.01,
        1 - 0.3 / height,
        f"Times the reference of the same run, less is better; {machine_text}, {machine['date']}",
        fontsize=POINTS + 1,
    )
    handles = [
        Line2D([], [], color=GOOD, marker="o", linewidth=5, label="reached"),
        Line2D([], [], color=BAD, marker="o", linewidth=5, label="not reached"),
        Line2D([], [], color=PLAIN, marker="o", linewidth=5, label="without a target"),
        Line2D([], [], color="black", marker="|", markersize=12, linewidth=0, label="to reach"),
    ]
    figure.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(0.0, 1 - 0.42 / height),
        ncols=len(handles),
        frameon=False,
        fontsize=POINTS,
    )
