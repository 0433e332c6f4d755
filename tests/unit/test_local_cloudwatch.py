"""The laptop's CloudWatch: what functions log in the embedded format, by the minute."""

import json
from typing import Any

import pytest

from lakehook.adapters.cloudwatch import CloudWatchDeliveryMetrics
from lakehook.metrics import ATTEMPT_DURATION, DELIVERED
from local.account import ACCOUNT_ID, REGION
from local.cloudwatch import LoggedCloudWatch, statistic
from tests.fakes import NOON


class Paginator:
    """A paginator like boto3's over the backend, whose keys moto spells differently."""

    def __init__(self, backend: LoggedCloudWatch) -> None:
        self._backend = backend

    def paginate(self, **request: Any) -> Any:
        results = self._backend.get_metric_data(
            request["MetricDataQueries"],
            request["StartTime"],
            request["EndTime"],
            request["ScanBy"],
        )
        names = {"id": "Id", "timestamps": "Timestamps", "values": "Values"}
        renamed = [{new: result[old] for old, new in names.items()} for result in results]
        yield {"MetricDataResults": renamed}


class Aws:
    def __init__(self, backend: LoggedCloudWatch) -> None:
        self._paginator = Paginator(backend)

    def cloudwatch(self) -> Any:
        return self

    def get_paginator(self, name: str) -> Paginator:
        assert name == "get_metric_data"
        return self._paginator


def line(at: float, **metrics: list[float]) -> Any:
    """A log line as Powertools writes it; unit/test_telemetry.py shows a real one."""
    directive = {
        "Namespace": "Lakehook",
        "Dimensions": [["service"]],
        "Metrics": [{"Name": name, "Unit": "Count"} for name in metrics],
    }
    document = {"_aws": {"Timestamp": round(at * 1000), "CloudWatchMetrics": [directive]}}
    return json.loads(json.dumps({**document, "service": "deliver", **metrics}))


def test_deliveries_a_minute_and_percentiles_are_computed_from_the_logs():
    backend = LoggedCloudWatch(REGION, ACCOUNT_ID)
    backend.add(line(NOON + 1, **{DELIVERED: [2.0], ATTEMPT_DURATION: [10.0, 30.0]}))
    backend.add(line(NOON + 70, **{DELIVERED: [4.0], ATTEMPT_DURATION: [900.0]}))
    backend.add(line(NOON + 601, **{DELIVERED: [100.0]}))

    metrics = CloudWatchDeliveryMetrics(Aws(backend), "Lakehook")  # type: ignore[arg-type]
    series = metrics.read(start=NOON, end=NOON + 600, period_seconds=300)

    assert list(series.times) == [NOON, NOON + 300]
    assert list(series.delivered_a_minute) == [6 / 5, 0.0]
    assert list(series.failed_a_minute) == [0.0, 0.0]
    assert (series.p50_ms, series.p99_ms) == ([30.0, None], [900.0, None])
    other = CloudWatchDeliveryMetrics(Aws(backend), "Other")  # type: ignore[arg-type]
    assert set(other.read(start=NOON, end=NOON + 600, period_seconds=300).p50_ms) == {None}


@pytest.mark.parametrize(
    ("name", "value"),
    [("Sum", 10.0), ("SampleCount", 4.0), ("Average", 2.5), ("Maximum", 4.0), ("p50", 2.0)],
)
def test_a_statistic_is_what_its_name_says(name: str, value: float):
    assert statistic(name, [4.0, 1.0, 3.0, 2.0]) == value
