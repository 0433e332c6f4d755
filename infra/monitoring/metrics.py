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
"""What these fail at comes again, or its caller knows. A notification of DevLake does not."""

WORKERS = ("fanout", "deliver", "api")
"""Whose trouble makes things late; the clock tells of its replays alone, and else fails."""

FEW_ATTEMPTS = 20
"""Of so few, half may fail by chance."""

FEW_REFUSED = 50
"""Less than one in so many: somebody plays DevLake, beside one that is heard."""

_UNITS = {
    names.OLDEST_HELD_LANE_AGE: cloudwatch.Unit.SECONDS,
    names.RECONCILE_LAG: cloudwatch.Unit.SECONDS,
    names.ATTEMPT_DURATION: cloudwatch.Unit.MILLISECONDS,
}


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """``namespace`` is the stack's name, as the functions are told; they go by their services."""

    namespace: str
    events: QueueWithDeadLetters
    deliveries: QueueWithDeadLetters
    functions: Mapping[str, lambda_.Function]
    schedule_name: str

    def custom(self, name: str, service: str, statistic: str = "Sum") -> cloudwatch.Metric:
        """One service is one dimension, and no other is paid for."""
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
        return total(counted, label="Own trouble")

    def failure_rate(self) -> cloudwatch.MathExpression:
        """Per cent. Every attempt has taken some time, so the samples of that are the attempts."""
        return cloudwatch.MathExpression(
            expression=f"IF(attempts >= {FEW_ATTEMPTS}, 100 * failed / attempts, 0)",
            using_metrics={
                "failed": self.custom(names.FAILED, "deliver"),
                "attempts": self.custom(names.ATTEMPT_DURATION, "deliver", "SampleCount"),
            },
            label="Failing (%)",
            period=PERIOD,
        )

    def devlake_refused(self) -> cloudwatch.MathExpression:
        """Refused notices in DevLake's form, unless they are few beside those that are accepted.

        Where none was ever accepted that metric is missing, and FILL does not help: a sum does.
        """
        refused, all_ = "FILL(refused, 0)", "SUM([FILL(refused, 0), FILL(accepted, 0)])"
        return cloudwatch.MathExpression(
            expression=f"IF({FEW_REFUSED} * {refused} >= {all_}, {refused}, 0)",
            using_metrics={
                "refused": self.custom(names.DEVLAKE_REFUSED, "ingress"),
                "accepted": self.custom(names.NOTIFICATIONS_RECEIVED, "ingress"),
            },
            label="Notices of DevLake refused",
            period=PERIOD,
        )

    def log_group(self, service: str) -> str:
        return self.functions[service].log_group.log_group_name


def total(metrics: Mapping[str, cloudwatch.IMetric], label: str) -> cloudwatch.MathExpression:
    """What is counted only when it happens counts as nothing while it does not."""
    filled = ", ".join(f"FILL({name}, 0)" for name in metrics)
    return cloudwatch.MathExpression(
        expression=f"SUM([{filled}])", using_metrics=metrics, label=label, period=PERIOD
    )
