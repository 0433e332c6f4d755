"""What the functions have said: lines of JSON, some of them metrics in the embedded format.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cloudwatch import Metric


@dataclass(frozen=True)
class Heard:
    """``at`` is the log of a run, which may still be going on."""

    at: Path

    @property
    def lines(self) -> Sequence[Mapping[str, Any]]:
        """Whole ones: the last may be half written."""
        return list(_documents(self.at.read_text(encoding="utf-8")))

    @property
    def told(self) -> Sequence[Mapping[str, Any]]:
        return [line for line in self.lines if "_aws" not in line]

    @property
    def values(self) -> Mapping[Metric, list[float]]:
        values: defaultdict[Metric, list[float]] = defaultdict(list)
        for metric, _, counted in self._embedded():
            values[metric] += counted
        return values

    @property
    def units(self) -> Mapping[Metric, set[str]]:
        units: defaultdict[Metric, set[str]] = defaultdict(set)
        for metric, unit, _ in self._embedded():
            units[metric].add(unit)
        return units

    def has_counted(self, name: str) -> bool:
        return any(metric.name == name and any(v) for metric, v in self.values.items())

    def _embedded(self) -> Iterator[tuple[Metric, str, list[float]]]:
        for line in self.lines:
            for directive in line.get("_aws", {}).get("CloudWatchMetrics", []):
                for names in directive["Dimensions"]:
                    dimensions = frozenset((name, line[name]) for name in names)
                    for one in directive["Metrics"]:
                        metric = Metric(directive["Namespace"], one["Name"], dimensions)
                        yield metric, one["Unit"], _as_list(line[one["Name"]])


def _documents(text: str) -> Iterator[dict[str, Any]]:
    """Functions share this log, so one may speak before another has ended its line."""
    decoder, at = json.JSONDecoder(), 0
    while (at := text.find("{", at)) >= 0:
        try:
            document, at = decoder.raw_decode(text, at)
        except json.JSONDecodeError:
            return
        yield document


def _as_list(value: Any) -> list[float]:
    return value if isinstance(value, list) else [value]
