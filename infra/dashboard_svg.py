"""The dashboard as an SVG drawing, made from its definition without an AWS account."""

import json
from collections.abc import Iterator
from html import escape
from pathlib import Path
from textwrap import wrap
from typing import Any

from infra.bundle import ROOT
from infra.local_template import SNAPSHOT

PICTURE = ROOT / "docs" / "img" / "dashboard.svg"
CELL = 48  # pixels; CloudWatch's grid has 24 columns
LINE = 18
CHARACTERS = 72  # of half the width
COLOURS = ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2")

Json = dict[str, Any]


def draw_dashboard(template: Json) -> str:
    """Draw every widget of the dashboard: its position, its title and its contents."""
    widgets = _dashboard(template)["widgets"]
    width = CELL * max(widget["x"] + widget["width"] for widget in widgets)
    height = CELL * max(widget["y"] + widget["height"] for widget in widgets)
    boxes = "\n".join(_box(widget, _alarm_names(template)) for widget in widgets)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"'
        f' font-family="Helvetica, Arial, sans-serif" font-size="13">\n'
        f'<rect width="{width}" height="{height}" fill="#f2f3f3"/>\n{boxes}\n</svg>\n'
    )


def _dashboard(template: Json) -> Json:
    """Parse the dashboard; references become logical ids, since values exist only on AWS."""
    (dashboard,) = (
        resource["Properties"]["DashboardBody"]
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::CloudWatch::Dashboard"
    )
    parts = dashboard["Fn::Join"][1]
    body: Json = json.loads(
        "".join(part if isinstance(part, str) else _name(part) for part in parts)
    )
    return body


def _name(expression: Json) -> str:
    (value,) = expression.values()
    return value if isinstance(value, str) else str(value[0])


def _alarm_names(template: Json) -> dict[str, str]:
    return {
        id_: resource["Properties"]["AlarmName"].rpartition("-")[2]
        for id_, resource in template["Resources"].items()
        if resource["Type"] == "AWS::CloudWatch::Alarm"
    }


def _box(widget: Json, alarms: dict[str, str]) -> str:
    left, top = widget["x"] * CELL + 4, widget["y"] * CELL + 4
    width, height = widget["width"] * CELL - 8, widget["height"] * CELL - 8
    inside = _inside(widget, alarms, width, height)
    fill = "none" if widget["type"] == "text" else "white"
    return (
        f'<g transform="translate({left} {top})"><rect width="{width}" height="{height}"'
        f' fill="{fill}" rx="4"/>{"".join(inside)}</g>'
    )


def _inside(widget: Json, alarms: dict[str, str], width: int, height: int) -> Iterator[str]:
    match widget["type"]:
        case "text":
            return _text(widget["properties"])
        case "alarm":
            return _alarms(widget["properties"], alarms, width)
        case _:
            return _shown(widget["properties"], width, height)


def _text(properties: Json) -> Iterator[str]:
    heading, _, rest = properties["markdown"].partition("\n")
    yield _words(0, 36, heading.lstrip("# "), 'font-size="24" font-weight="bold"')
    yield _words(0, 64, rest, 'fill="#545b64"')


def _alarms(properties: Json, names: dict[str, str], width: int) -> Iterator[str]:
    yield _title(properties)
    columns = 6
    for number, alarm in enumerate(properties["alarms"]):
        x = 12 + (number % columns) * (width - 12) // columns
        y = 40 + (number // columns) * 44
        box = f'width="{width // columns - 16}" height="34" rx="4" fill="#d5f0dc"'
        yield f'<rect x="{x}" y="{y}" {box}/>{_words(x + 10, y + 22, names[alarm])}'


def _shown(properties: Json, width: int, height: int) -> Iterator[str]:
    """Draw the contents: a graph's legend at its bottom, a number or a query line by line."""
    yield _title(properties)
    lines = list(_lines(properties))
    if properties["view"] == "timeSeries":
        axis = height - 16 - LINE * len(lines)
        yield f'<path d="M12 40V{axis}H{width - 12}" fill="none" stroke="#aab7b8"/>'
    for number, line in enumerate(lines):
        y = height - 12 - LINE * (len(lines) - 1 - number)
        colour = COLOURS[number % len(COLOURS)]
        if "metrics" in properties:
            yield f'<rect x="12" y="{y - 9}" width="10" height="10" fill="{colour}"/>'
        yield _words(28, y, line)


def _lines(properties: Json) -> Iterator[str]:
    for line in properties.get("query", "").splitlines():
        yield from wrap(line, CHARACTERS)
    for *_, options in properties.get("metrics", []):
        if options.get("visible", True):
            statistic = options.get("stat")
            texts = {options["label"]: None, statistic: None}  # once if it is its own label
            yield ", ".join(filter(None, texts))


def _title(properties: Json) -> str:
    return _words(12, 24, properties["title"], 'font-weight="bold"')


def _words(x: int, y: int, text: str, style: str = "") -> str:
    return f'<text x="{x}" y="{y}" {style}>{escape(text)}</text>'


def main() -> None:
    template = json.loads(Path(SNAPSHOT).read_text(encoding="utf-8"))
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    PICTURE.write_text(draw_dashboard(template), encoding="utf-8")


if __name__ == "__main__":
    main()
