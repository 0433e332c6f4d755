"""Log of the functions: lines of JSON, some of them metrics in the embedded format.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import codecs
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.cloudwatch import Metric
from tests.infra.blueprint import as_list

Line = Mapping[str, Any]


class FunctionLog:
    """Log of a run, which may still be going on: each read takes what is new in it."""

    def __init__(self, at: Path) -> None:
        self.at = at
        self._size, self._unparsed = 0, ""
        self._characters = codecs.getincrementaldecoder("utf-8")()
        self._lines: list[Line] = []
        self._values: defaultdict[Metric, list[float]] = defaultdict(list)
        self._units: defaultdict[Metric, set[str]] = defaultdict(set)

    @property
    def messages(self) -> Sequence[Line]:
        self._read_new()
        return [line for line in self._lines if "_aws" not in line]

    @property
    def values(self) -> Mapping[Metric, list[float]]:
        self._read_new()
        return self._values

    @property
    def units(self) -> Mapping[Metric, set[str]]:
        self._read_new()
        return self._units

    def has_counted(self, name: str) -> bool:
        return any(metric.name == name and any(v) for metric, v in self.values.items())

    def _read_new(self) -> None:
        with self.at.open("rb") as log:
            log.seek(self._size)
            chunk = log.read()
        self._size += len(chunk)
        self._unparsed += self._characters.decode(chunk)
        for line in self._documents():
            self._lines.append(line)
            for metric, unit, values in _embedded(line):
                self._values[metric] += values
                self._units[metric].add(unit)

    def _documents(self) -> Iterator[Line]:
        """Yield whole documents: the last may be half written.

        Functions share this log, so one may speak before another has ended its line.
        """
        decoder = json.JSONDecoder()
        while (at := self._unparsed.find("{")) >= 0:
            try:
                document, end = decoder.raw_decode(self._unparsed, at)
            except json.JSONDecodeError:
                return
            self._unparsed = self._unparsed[end:]
            yield document


def _embedded(line: Line) -> Iterator[tuple[Metric, str, list[float]]]:
    for directive in line.get("_aws", {}).get("CloudWatchMetrics", []):
        for names in directive["Dimensions"]:
            dimensions = frozenset((name, line[name]) for name in names)
            for entry in directive["Metrics"]:
                metric = Metric(directive["Namespace"], entry["Name"], dimensions)
                yield metric, entry["Unit"], as_list(line[entry["Name"]])
