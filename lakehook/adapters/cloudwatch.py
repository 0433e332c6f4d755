"""CloudWatch metrics of the deliver function, as the functions' logs feed them.

One call reads four metrics. CloudWatch charges $0.01 for 1,000 metrics that are requested:
https://aws.amazon.com/cloudwatch/pricing/
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from lakehook import metrics as names
from lakehook.adapters.aws import Aws, translate_aws_errors
from lakehook.domain.errors import InfrastructureError
from lakehook.ports.telemetry import DeliverySeries

_UNREAD = ("InternalError", "Forbidden")  # within an answer of 200: no values is not no attempts
SERVICE = "deliver"  # dimension of the metrics
_QUERIES = {
    "delivered": (names.DELIVERED, "Sum"),
    "failed": (names.FAILED, "Sum"),
    "p50": (names.ATTEMPT_DURATION, "p50"),
    "p99": (names.ATTEMPT_DURATION, "p99"),
}


@dataclass(frozen=True)
class CloudWatchDeliveryMetrics:
    aws: Aws
    namespace: str  # the stack's name

    def read(self, *, start: float, end: float, period_seconds: int) -> DeliverySeries:
        """Read the series; both times are multiples of the period."""
        with translate_aws_errors():
            pages = (
                self.aws.cloudwatch()
                .get_paginator("get_metric_data")
                .paginate(
                    MetricDataQueries=[
                        self._query(id_, *metric, period_seconds)
                        for id_, metric in _QUERIES.items()
                    ],
                    StartTime=datetime.fromtimestamp(start, UTC),
                    EndTime=datetime.fromtimestamp(end, UTC),
                    ScanBy="TimestampAscending",
                )
            )
            series = _by_id(pages)
        times = [start + n * period_seconds for n in range(round((end - start) / period_seconds))]
        minutes = period_seconds / 60
        return DeliverySeries(
            times=times,
            delivered_a_minute=[series["delivered"].get(at, 0.0) / minutes for at in times],
            failed_a_minute=[series["failed"].get(at, 0.0) / minutes for at in times],
            p50_ms=[series["p50"].get(at) for at in times],
            p99_ms=[series["p99"].get(at) for at in times],
        )

    def _query(self, id_: str, name: str, statistic: str, period_seconds: int) -> dict[str, Any]:
        metric = {
            "Namespace": self.namespace,
            "MetricName": name,
            "Dimensions": [{"Name": "service", "Value": SERVICE}],
        }
        statistics = {"Metric": metric, "Period": period_seconds, "Stat": statistic}
        return {"Id": id_, "MetricStat": statistics}


def _by_id(pages: Any) -> Mapping[str, Mapping[float, float]]:
    """Return the values by time, of each query."""
    found: dict[str, dict[float, float]] = {id_: {} for id_ in _QUERIES}
    for page in pages:
        for result in page["MetricDataResults"]:
            if result.get("StatusCode") in _UNREAD:
                raise InfrastructureError(
                    f"CloudWatch answered {result['StatusCode']} for {result['Id']}"
                )
            found[result["Id"]] |= _points(result["Timestamps"], result["Values"])
    return found


def _points(times: Sequence[datetime], values: Sequence[float]) -> dict[float, float]:
    return {at.timestamp(): float(value) for at, value in zip(times, values, strict=True)}
