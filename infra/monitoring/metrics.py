"""CloudWatch metrics for the alarms and the dashboard."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_

from infra.constructs.queues import QueueWithDeadLetters
from lakehook import metrics as names

PERIOD = Duration.minutes(5)

RETRIED_FUNCTIONS = ("fanout", "deliver", "scheduler", "api")
"""Functions whose work is retried, or whose caller sees the error; DevLake never retries."""

MIN_ATTEMPTS = 20
"""Below this number, half of the attempts may fail by chance."""

MIN_REFUSED_SHARE = 50
"""Fewer than 1 in 50 refused: a stranger imitates DevLake, while DevLake itself is accepted."""

_UNITS = {
    names.OLDEST_HELD_LANE_AGE: cloudwatch.Unit.SECONDS,
    names.RECONCILE_LAG: cloudwatch.Unit.SECONDS,
    names.SCHEDULER_LAG: cloudwatch.Unit.SECONDS,
    names.ATTEMPT_DURATION: cloudwatch.Unit.MILLISECONDS,
}


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """The metrics of one stack: its namespace is the stack's name, its dimension the function."""

    namespace: str
    events: QueueWithDeadLetters
    deliveries: QueueWithDeadLetters
    functions: Mapping[str, lambda_.Function]
    schedule_name: str

    def custom(self, name: str, service: str, statistic: str = "Sum") -> cloudwatch.Metric:
        """Build a metric of our own, whose single dimension keeps its price low."""
        return cloudwatch.Metric(
            namespace=self.namespace,
            metric_name=name,
            dimensions_map={"service": service},
            statistic=statistic,
            unit=_UNITS.get(name, cloudwatch.Unit.COUNT),
            label=name,
            period=PERIOD,
        )

    def for_function(self, name: str, service: str, statistic: str = "Sum") -> cloudwatch.Metric:
        metric = self.functions[service].metric(name, statistic=statistic, period=PERIOD)
        return metric.with_(label=f"{name}, {service}")

    def internal_errors(self, services: Iterable[str]) -> cloudwatch.MathExpression:
        counted = {service: self.custom(names.INTERNAL_ERRORS, service) for service in services}
        return total(counted, label="Internal errors")

    def failure_rate(self) -> cloudwatch.MathExpression:
        """Build the share of failed attempts, in per cent of the samples of their duration."""
        return cloudwatch.MathExpression(
            expression=f"IF(attempts >= {MIN_ATTEMPTS}, 100 * failed / attempts, 0)",
            using_metrics={
                "failed": self.custom(names.FAILED, "deliver"),
                "attempts": self.custom(names.ATTEMPT_DURATION, "deliver", "SampleCount"),
            },
            label="Failing (%)",
            period=PERIOD,
        )

    def devlake_refused(self) -> cloudwatch.MathExpression:
        """Count refused notifications in DevLake's form, unless most others are accepted.

        If none was ever accepted, that metric does not exist and FILL has no effect; SUM has.
        """
        refused, all_ = "FILL(refused, 0)", "SUM([FILL(refused, 0), FILL(accepted, 0)])"
        return cloudwatch.MathExpression(
            expression=f"IF({MIN_REFUSED_SHARE} * {refused} >= {all_}, {refused}, 0)",
            using_metrics={
                "refused": self.custom(names.DEVLAKE_REFUSED, "ingress"),
                "accepted": self.custom(names.NOTIFICATIONS_RECEIVED, "ingress"),
            },
            label="Notifications of DevLake refused",
            period=PERIOD,
        )

    def log_group(self, service: str) -> str:
        return self.functions[service].log_group.log_group_name


def total(
    metrics: Mapping[str, cloudwatch.IMetric], label: str, period: Duration = PERIOD
) -> cloudwatch.MathExpression:
    """Sum metrics that have data points only when something happens."""
    filled = ", ".join(f"FILL({name}, 0)" for name in metrics)
    return cloudwatch.MathExpression(
        expression=f"SUM([{filled}])", using_metrics=metrics, label=label, period=period
    )
