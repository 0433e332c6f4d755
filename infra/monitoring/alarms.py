"""CloudWatch alarms on queues, deliveries, functions and notifications.

Each alarm says what is measured, what it means, and the first command to run. CloudWatch notifies
only when an alarm changes state: whatever a person must know each time is therefore an alarm on
events counted per period, not on a level that stays high.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-actions.html
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.monitoring.metrics import PERIOD, RETRIED_FUNCTIONS, Metrics, total
from lakehook import metrics as names
from lakehook.domain.devlake.setup_check import MAX_RECONCILE_LAG_SECONDS

MINUTE, HOUR, DAY = 60, 3600, 86_400
FAILED = """'?"internal_error" ?ERROR ?Error ?"timed out"'"""
"""Failures that we count, exceptions of our code, crashes of the process, and timeouts.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
"""
MAX_EVENT_AGE_SECONDS, MAX_DELIVERY_AGE_SECONDS = 5 * MINUTE, 15 * MINUTE
MAX_RETRY_LAG_SECONDS = 10 * MINUTE
FAILED_ATTEMPTS = """'{ $.message = "delivery_attempted" && $.outcome != "delivered" }'"""
RECONCILE_FAILED = "'\"reconcile_failed\"'"
ABOVE = cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD
BELOW = cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD
QUIET = cloudwatch.TreatMissingData.NOT_BREACHING
LOUD = cloudwatch.TreatMissingData.BREACHING


@dataclass(frozen=True, kw_only=True)
class AlarmDefinition:
    """An alarm on one metric, which fires while the metric exceeds ``threshold``.

    The metric must exceed it for ``minutes`` without a break. With ``within`` it must exceed it
    for ``minutes`` in total in that longer window, so that rare events give one e-mail, not many.
    """

    name: str
    metric: cloudwatch.IMetric
    threshold: float
    minutes: int
    within: int | None = None  # minutes
    summary: str
    first_command: str

    @property
    def description(self) -> str:
        return f"{self.summary} First: {self.first_command}"


class Alarms(Construct):
    """All alarms of the stack, named ``<stack>-<name>``: the name is a heading of the runbook."""

    def __init__(self, scope: Construct, id_: str, *, metrics: Metrics, topic: sns.ITopic) -> None:
        super().__init__(scope, id_)
        self._prefix = metrics.namespace
        self._action = actions.SnsAction(topic)
        definitions = (
            *_dead_letter_alarms(metrics),
            _queues_late(metrics),
            *_backlog_alarms(metrics),
            _failure_rate(metrics),
            *_ingress_alarms(metrics),
            _internal_errors(metrics),
        )
        self.all = [*map(self._above, definitions), self._scheduler_stopped(metrics)]

    def _above(self, definition: AlarmDefinition) -> cloudwatch.Alarm:
        periods = _periods(definition.minutes)
        return self._alarm(
            definition.name,
            metric=definition.metric,
            threshold=definition.threshold,
            comparison_operator=ABOVE,
            evaluation_periods=_periods(definition.within) if definition.within else periods,
            datapoints_to_alarm=periods if definition.within else None,
            treat_missing_data=QUIET,
            alarm_description=definition.description,
        )

    def _scheduler_stopped(self, metrics: Metrics) -> cloudwatch.Alarm:
        scheduler = metrics.functions["scheduler"]
        return self._alarm(
            "SchedulerStopped",
            metric=scheduler.metric_invocations(period=PERIOD),
            threshold=1,
            comparison_operator=BELOW,
            evaluation_periods=2,
            treat_missing_data=LOUD,
            alarm_description="The scheduler has not run for 10 minutes: held lanes are not"
            " retried."
            f" First: aws events describe-rule --name {metrics.schedule_name}",
        )

    def _alarm(self, name: str, **properties: Any) -> cloudwatch.Alarm:
        alarm = cloudwatch.Alarm(self, name, alarm_name=f"{self._prefix}-{name}", **properties)
        alarm.add_alarm_action(self._action)
        alarm.add_ok_action(self._action)
        return alarm


def log_tail_command(metrics: Metrics, *services: str, pattern: str = "") -> str:
    """Build a shell command that shows the logs in turn: ``aws logs tail`` reads one log group."""
    chosen = f" --filter-pattern {pattern}" if pattern else ""
    logs = [metrics.log_group(service) for service in services]
    if len(logs) == 1:
        return f"aws logs tail {logs[0]} --since 1h{chosen}"
    return f"for log in {' '.join(logs)}; do echo $log; aws logs tail $log --since 1h{chosen}; done"


def _dead_letter_alarms(metrics: Metrics) -> Sequence[AlarmDefinition]:
    events, stack = metrics.events.dead_letters, metrics.namespace
    return (
        AlarmDefinition(
            name="DeadLetters",
            metric=metrics.custom(names.DEAD, "deliver"),
            threshold=0,
            minutes=5,
            summary="Deliveries became dead letters. Under strict ordering their lanes wait"
            " behind them.",
            first_command=f"lakehook dead-letters list --stack {stack}",
        ),
        AlarmDefinition(
            name="InvalidEvents",
            metric=metrics.custom(names.INVALID_MESSAGES, "fanout"),
            threshold=0,
            minutes=5,
            summary="A producer sent invalid events; the attribute reason of each message says"
            " why.",
            first_command="aws sqs receive-message --message-attribute-names All "
            "--visibility-timeout 0"
            f" --queue-url {events.queue_url}",
        ),
        AlarmDefinition(
            name="DeadLettersExpiring",
            metric=_oldest_message_age(metrics),
            threshold=10 * DAY,
            minutes=5,
            summary="A dead letter is more than 10 days old; SQS deletes its copy after 14 days.",
            first_command=f"lakehook dead-letters list --stack {stack}",
        ),
    )


def _oldest_message_age(metrics: Metrics) -> cloudwatch.MathExpression:
    queues = {
        "letters": metrics.deliveries.dead_letters,
        "parked": metrics.events.dead_letters,
    }
    return cloudwatch.MathExpression(
        expression="MAX([FILL(letters, 0), FILL(parked, 0)])",
        using_metrics={
            name: queue.metric_approximate_age_of_oldest_message() for name, queue in queues.items()
        },
        label="Oldest dead letter",
        period=PERIOD,
    )


def _queues_late(metrics: Metrics) -> AlarmDefinition:
    """Alarm on whatever keeps functions from their queues: crashes, throttles, slow endpoints."""
    return AlarmDefinition(
        name="QueuesLate",
        metric=cloudwatch.MathExpression(
            expression=f"MAX([FILL(events, 0) / {MAX_EVENT_AGE_SECONDS},"
            f" FILL(deliveries, 0) / {MAX_DELIVERY_AGE_SECONDS},"
            f" FILL(retries, 0) / {MAX_RETRY_LAG_SECONDS}])",
            using_metrics={
                "events": metrics.events.queue.metric_approximate_age_of_oldest_message(),
                "deliveries": metrics.deliveries.queue.metric_approximate_age_of_oldest_message(),
                "retries": metrics.custom(names.SCHEDULER_LAG, "scheduler", "Maximum"),
            },
            label="Oldest message or retry (1 is late)",
            period=PERIOD,
        ),
        threshold=1,
        minutes=5,
        summary="Events wait for more than 5 minutes to be fanned out, delivery messages for more"
        " than 15 to be taken, or retries come 10 minutes late: functions fail, are throttled, or"
        " are too few.",
        first_command=log_tail_command(metrics, "fanout", "deliver", "scheduler"),
    )


def _backlog_alarms(metrics: Metrics) -> Sequence[AlarmDefinition]:
    held = f"lakehook lanes list --held --stack {metrics.namespace}"
    return (
        AlarmDefinition(
            name="OldestHeldLaneAge",
            metric=metrics.custom(names.OLDEST_HELD_LANE_AGE, "scheduler", "Maximum"),
            threshold=24 * HOUR,
            minutes=15,
            summary="A lane has been held for a day, behind a dead letter or an endpoint that is"
            " down.",
            first_command=held,
        ),
        AlarmDefinition(
            name="BreakersOpen",
            metric=metrics.custom(names.BREAKERS_OPEN, "scheduler", "Maximum"),
            threshold=0,
            minutes=15,
            summary="An endpoint has been down for 15 minutes. Its deliveries wait; others are"
            " not affected.",
            first_command=held,
        ),
        AlarmDefinition(
            name="SubscriptionsDisabled",
            metric=metrics.custom(names.DISABLED, "deliver"),
            threshold=0,
            minutes=5,
            summary="A subscription was disabled: its endpoint answered 410 Gone, or failed for"
            " five days."
            " Its deliveries wait.",
            first_command=f"lakehook subscriptions list --stack {metrics.namespace}",
        ),
        AlarmDefinition(
            name="PipelinesStalled",
            metric=metrics.custom(names.PIPELINES_STALLED, "scheduler"),
            threshold=0,
            minutes=5,
            summary="A pipeline has stayed in one state for longer than its project allows.",
            first_command=f"lakehook pipelines list --older-than 15m --stack {metrics.namespace}",
        ),
    )


def _failure_rate(metrics: Metrics) -> AlarmDefinition:
    return AlarmDefinition(
        name="FailureRate",
        metric=metrics.failure_rate(),
        threshold=50,
        minutes=15,
        summary="More than half of all attempts fail: many endpoints are down, or our way out is.",
        first_command=log_tail_command(metrics, "deliver", pattern=FAILED_ATTEMPTS),
    )


def _internal_errors(metrics: Metrics) -> AlarmDefinition:
    """A failed call counts once, and so does a function that ends in an error or at its timeout.

    Some AWS failures a day are normal. A replay that fails does so at each tick, five a period.
    """
    counted = {name: metrics.custom(names.INTERNAL_ERRORS, name) for name in RETRIED_FUNCTIONS}
    ended = {f"{name}_ended": metrics.for_function("Errors", name) for name in RETRIED_FUNCTIONS}
    return AlarmDefinition(
        name="InternalErrors",
        metric=total(counted | ended, label="Internal errors"),
        threshold=4,
        minutes=5,
        summary="AWS calls or our own code failed 5 times or more in 5 minutes, or functions ended"
        " so. Nothing is lost; deliveries are late.",
        first_command=log_tail_command(metrics, *RETRIED_FUNCTIONS, pattern=FAILED),
    )


def _ingress_alarms(metrics: Metrics) -> Sequence[AlarmDefinition]:
    reconcile = f"lakehook reconcile --devlake http://devlake:8080 --stack {metrics.namespace}"
    return (
        AlarmDefinition(
            name="NotificationsLost",
            metric=total(
                {
                    "trouble": metrics.custom(names.INTERNAL_ERRORS, "ingress"),
                    "errors": metrics.for_function("Errors", "ingress"),
                    "throttles": metrics.for_function("Throttles", "ingress"),
                },
                label="Notifications lost",
            ),
            threshold=0,
            minutes=5,
            summary="The ingress failed to store notifications, or had no room for them. DevLake"
            " does not repeat them. Reconcile with DevLake's API to get them back.",
            first_command=reconcile,
        ),
        AlarmDefinition(
            name="NotificationsRejected",
            metric=metrics.devlake_refused(),
            threshold=0,
            minutes=5,
            within=60,
            summary="Notifications in DevLake's form were refused while few or none were"
            " accepted, and DevLake does not repeat them. The command shows the last one."
            " signature: signed with another secret, so DevLake's NOTIFICATION_SECRET differs from"
            " the stack's. no_signature, not_a_notice: possibly another sender.",
            first_command=f"lakehook devlake check --stack {metrics.namespace}",
        ),
        AlarmDefinition(
            name="ReconcileFailing",
            metric=metrics.custom(names.RECONCILE_LAG, "scheduler", "Maximum"),
            threshold=MAX_RECONCILE_LAG_SECONDS,
            minutes=5,
            summary="DevLake's API has not been read for 30 minutes: lost notifications stay lost.",
            first_command=log_tail_command(metrics, "scheduler", pattern=RECONCILE_FAILED),
        ),
    )


def _periods(minutes: int) -> int:
    return max(1, minutes // int(PERIOD.to_minutes()))
