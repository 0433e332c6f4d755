"""CloudWatch on a laptop: the metrics that the functions log, in their embedded format.

moto knows no percentiles, and looks at every value for every period of a query. So the values are
kept here by the minute, for somewhat more than a day.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import json
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock
from types import SimpleNamespace
from typing import Any

from moto.cloudwatch import urls
from moto.cloudwatch.models import CloudWatchBackend, cloudwatch_backends

from local.account import ACCOUNT_ID, REGION

MINUTE, KEPT_MINUTES = 60, 26 * 60
MARK = b'"_aws"'
"""Part of a line in the embedded format, and of few others."""


@dataclass(frozen=True)
class Metric:
    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]


def install() -> None:
    """Install this; call it before a server starts."""
    if cloudwatch_backends.backend is not LoggedCloudWatch:
        cloudwatch_backends.backend = LoggedCloudWatch
        cloudwatch_backends.clear()


def take_line(line: bytes) -> None:
    """Take the metrics of a function's log line; a line of another kind is ignored."""
    if MARK not in line:
        return
    with suppress(ValueError, KeyError, TypeError, AttributeError):
        backend = cloudwatch_backends[ACCOUNT_ID][REGION]
        if isinstance(backend, LoggedCloudWatch):
            backend.add(json.loads(line))


class LoggedCloudWatch(CloudWatchBackend):
    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self._values: dict[Metric, dict[int, list[float]]] = defaultdict(dict)
        self._lock = Lock()

    @property
    def _url_module(self) -> SimpleNamespace:
        """Module of the URLs; moto would look for a module ``urls`` next to this one."""
        return SimpleNamespace(url_bases=urls.url_bases, url_paths=urls.url_paths)

    def add(self, document: Mapping[str, Any]) -> None:
        minute = int(document["_aws"]["Timestamp"] / 1000) // MINUTE
        with self._lock:
            for metric, values in _values_of(document):
                by_minute = self._values[metric]
                by_minute.setdefault(minute, []).extend(values)
                for old in [at for at in by_minute if at < minute - KEPT_MINUTES]:
                    del by_minute[old]

    def get_metric_data(
        self,
        queries: list[dict[str, Any]],
        start_time: datetime,
        end_time: datetime,
        scan_by: str = "TimestampAscending",
    ) -> list[dict[str, Any]]:
        """Answer queries of one statistic of one metric each; there are no expressions here."""
        span = int(start_time.timestamp()), int(end_time.timestamp())
        results = []
        for query in queries:
            points = self._points(query["MetricStat"], *span)
            points.sort(reverse=scan_by == "TimestampDescending")
            results.append(
                {
                    "id": query["Id"],
                    "label": query.get("Label", query["Id"]),
                    "timestamps": [datetime.fromtimestamp(at, UTC) for at, _ in points],
                    "values": [value for _, value in points],
                    "status_code": "Complete",
                }
            )
        return results

    def _points(self, query: Mapping[str, Any], start: int, end: int) -> list[tuple[int, float]]:
        named, period = query["Metric"], int(query["Period"])
        metric = Metric(
            named["Namespace"],
            named["MetricName"],
            tuple(
                sorted(
                    (dimension["Name"], dimension["Value"])
                    for dimension in named.get("Dimensions", ())
                )
            ),
        )
        periods: dict[int, list[float]] = defaultdict(list)
        with self._lock:
            for minute, values in self._values.get(metric, {}).items():
                if start <= minute * MINUTE < end:
                    periods[(minute * MINUTE - start) // period].extend(values)
        return [
            (start + number * period, statistic(query["Stat"], values))
            for number, values in periods.items()
        ]


def statistic(name: str, values: Sequence[float]) -> float:
    """Compute a statistic; of ``p99``, the nearest of the values."""
    if name.startswith("p"):
        ordered = sorted(values)
        rank = math.ceil(float(name[1:]) / 100 * len(ordered))
        return ordered[max(rank, 1) - 1]
    return {
        "Sum": math.fsum(values),
        "SampleCount": float(len(values)),
        "Average": math.fsum(values) / len(values),
        "Minimum": min(values),
        "Maximum": max(values),
    }[name]


def _values_of(document: Mapping[str, Any]) -> Iterator[tuple[Metric, list[float]]]:
    for directive in document["_aws"]["CloudWatchMetrics"]:
        for names in directive["Dimensions"]:
            dimensions = tuple(sorted((name, document[name]) for name in names))
            for metric in directive["Metrics"]:
                logged = document[metric["Name"]]
                values = logged if isinstance(logged, list) else [logged]
                yield (
                    Metric(directive["Namespace"], metric["Name"], dimensions),
                    [float(value) for value in values],
                )
