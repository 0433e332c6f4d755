"""CloudWatch alarms on queues, deliveries, functions and notifications, and their SNS topic.

Each alarm says what is measured, what it means, and the first command to run.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aws_cdk import CfnCondition, Fn, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.constructs.queues import QueueWithDeadLetters
from infra.monitoring.metrics import PERIOD, RETRIED_FUNCTIONS, WORKERS, Metrics, total
from infra.stage import Stage
from infra.suppressions import acknowledge_rule
from lakehook import metrics as names
from lakehook.settings import UNSET

MINUTE, HOUR, DAY = 60, 3600, 86_400
INTERNAL_ERROR = "'\"internal_error\"'"
FAILED_INVOCATION = """'?ERROR ?Error ?"timed out"'"""
"""What our code raised, what ended the process, and what Lambda stopped.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
"""
MAX_IN_FLIGHT = 120_000
"""https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-fifo.html"""

NEAR = 0.8
FAILED_ATTEMPTS = """'{ $.message = "delivery_attempted" && $.outcome != "delivered" }'"""
POLLED_FUNCTIONS = ("fanout", "deliver", "scheduler")
"""What Lambda turns away of theirs comes again."""
MAX_LAG_SECONDS = 30 * MINUTE
RECONCILE_FAILED = "'\"reconcile_failed\"'"
ABOVE = cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD
BELOW = cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD
QUIET = cloudwatch.TreatMissingData.NOT_BREACHING
LOUD = cloudwatch.TreatMissingData.BREACHING


@dataclass(frozen=True, kw_only=True)
class AlarmDefinition:
    """``above`` is the value at which nobody needs to get up yet.

    It goes off when that was exceeded for so many ``minutes``: without a break, or, of what happens
    now and then, ``within`` a longer time, so that it does not write for each.
    """

    name: str
    metric: cloudwatch.IMetric
    threshold: float
    minutes: int
    within: int | None = None  # minutes
    summary: str
    first_command: str  # first

    @property
    def description(self) -> str:
        return f"{self.summary} First: {self.first_command}"


class Alarms(Construct):
    """They are named after the stack, so that a name in an e-mail is a title of the runbook."""

    def __init__(
        self, scope: Construct, id_: str, *, measures: Metrics, stage: Stage, email: str
    ) -> None:
        super().__init__(scope, id_)
        self._prefix = measures.namespace
        topic = self._topic()
        self._write_to(email, topic)
        self._action = actions.SnsAction(topic)
        watches = (
            *queue_alarms(measures),
            *delivery_alarms(measures),
            *ingress_alarms(measures),
            *function_alarms(measures, stage),
        )
        self.all = [*map(self._above, watches), self._scheduler_stopped(measures)]

    def _topic(self) -> sns.Topic:
        """A policy of one's own replaces SNS's, by which CloudWatch could publish.

        https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html
        """
        topic = sns.Topic(self, "Operators", enforce_ssl=True)
        topic.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[topic.topic_arn],
                conditions={"StringEquals": {"aws:SourceAccount": Stack.of(self).account}},
            )
        )
        return topic

    def _write_to(self, email: str, topic: sns.Topic) -> None:
        """SNS asks the address first, and writes to it once it has agreed."""
        subscription = sns.CfnSubscription(
            self, "Email", topic_arn=topic.topic_arn, protocol="email", endpoint=email
        )
        given = Fn.condition_not(Fn.condition_equals(email, UNSET))
        subscription.cfn_options.condition = CfnCondition(self, "EmailGiven", expression=given)
        acknowledge_rule(
            subscription, "Serverless-SNSRedrivePolicy", "Who would read what no mail could tell?"
        )

    def _above(self, watch: AlarmDefinition) -> cloudwatch.Alarm:
        periods = _periods(watch.minutes)
        return self._alarm(
            watch.name,
            metric=watch.metric,
            threshold=watch.threshold,
            comparison_operator=ABOVE,
            evaluation_periods=_periods(watch.within) if watch.within else periods,
            datapoints_to_alarm=periods if watch.within else None,
            treat_missing_data=QUIET,
            alarm_description=watch.description,
        )

    def _scheduler_stopped(self, measures: Metrics) -> cloudwatch.Alarm:
        clock = measures.functions["scheduler"]
        return self._alarm(
            "SchedulerStopped",
            metric=clock.metric_invocations(period=PERIOD),
            threshold=1,
            comparison_operator=BELOW,
            evaluation_periods=2,
            treat_missing_data=LOUD,
            alarm_description="Nothing that waits is woken any more."
            f" First: aws events describe-rule --name {measures.schedule_name}",
        )

    def _alarm(self, name: str, **properties: Any) -> cloudwatch.Alarm:
        alarm = cloudwatch.Alarm(self, name, alarm_name=f"{self._prefix}-{name}", **properties)
        alarm.add_alarm_action(self._action)
        return alarm


def log_tail_command(measures: Metrics, *services: str, pattern: str = "") -> str:
    """One log after the other, for ``aws logs tail`` reads a single one."""
    chosen = f" --filter-pattern {pattern}" if pattern else ""
    logs = [measures.log_group(service) for service in services]
    if len(logs) == 1:
        return f"aws logs tail {logs[0]} --since 1h{chosen}"
    return f"for log in {' '.join(logs)}; do echo $log; aws logs tail $log --since 1h{chosen}; done"


def queue_alarms(measures: Metrics) -> Sequence[AlarmDefinition]:
    return (*_dead_letter_alarms(measures), *_work_queue_alarms(measures))


def _dead_letter_alarms(measures: Metrics) -> Sequence[AlarmDefinition]:
    events, deliveries = measures.events.dead_letters, measures.deliveries.dead_letters
    stack = measures.namespace
    return (
        AlarmDefinition(
            name="DeadLetters",
            metric=deliveries.metric_approximate_number_of_messages_visible(),
            threshold=0,
            minutes=5,
            summary="Deliveries were given up; under strict ordering their lanes stand still.",
            first_command=f"lakehook dead-letters list --stack {stack}",
        ),
        AlarmDefinition(
            name="InvalidEvents",
            metric=events.metric_approximate_number_of_messages_visible(),
            threshold=0,
            minutes=5,
            summary="A producer has sent what is no event; each message says why.",
            first_command="aws sqs receive-message --message-attribute-names All "
            "--visibility-timeout 0"
            f" --queue-url {events.queue_url}",
        ),
        AlarmDefinition(
            name="DeadLettersExpiring",
            metric=_oldest_message_age(measures),
            threshold=10 * DAY,
            minutes=5,
            summary="In less than four days SQS forgets a message that nobody has looked at.",
            first_command=f"lakehook dead-letters list --stack {stack}",
        ),
    )


def _oldest_message_age(measures: Metrics) -> cloudwatch.MathExpression:
    queues = {
        "letters": measures.deliveries.dead_letters,
        "parked": measures.events.dead_letters,
    }
    return cloudwatch.MathExpression(
        expression="MAX([FILL(letters, 0), FILL(parked, 0)])",
        using_metrics={
            name: queue.metric_approximate_age_of_oldest_message() for name, queue in queues.items()
        },
        label="Oldest dead letter",
        period=PERIOD,
    )


def _work_queue_alarms(measures: Metrics) -> Sequence[AlarmDefinition]:
    return (
        AlarmDefinition(
            name="OldestEvent",
            metric=measures.events.queue.metric_approximate_age_of_oldest_message(),
            threshold=5 * MINUTE,
            minutes=5,
            summary="Events are not being fanned out: the function fails, or tables are away.",
            first_command=log_tail_command(measures, "fanout"),
        ),
        AlarmDefinition(
            name="OldestDelivery",
            metric=measures.deliveries.queue.metric_approximate_age_of_oldest_message(),
            threshold=15 * MINUTE,
            minutes=5,
            summary="Deliveries are not taken off their queue, where nothing should ever wait "
            "long.",
            first_command=log_tail_command(measures, "deliver"),
        ),
        AlarmDefinition(
            name="GroupsInFlight",
            metric=_groups_in_flight(measures.deliveries),
            threshold=NEAR * MAX_IN_FLIGHT,
            minutes=5,
            summary=f"SQS hands out nothing more at {MAX_IN_FLIGHT} messages in flight.",
            first_command=f"lakehook lanes list --held --stack {measures.namespace}",
        ),
    )


def _groups_in_flight(queue: QueueWithDeadLetters) -> cloudwatch.Metric:
    return queue.queue.metric(
        "ApproximateNumberOfGroupsWithInflightMessages",
        statistic="Maximum",
        period=PERIOD,
    )


def delivery_alarms(measures: Metrics) -> Sequence[AlarmDefinition]:
    return (*_backlog_alarms(measures), *_attempt_alarms(measures))


def _backlog_alarms(measures: Metrics) -> Sequence[AlarmDefinition]:
    held = f"lakehook lanes list --held --stack {measures.namespace}"
    return (
        AlarmDefinition(
            name="OldestHeldLaneAge",
            metric=measures.custom(names.OLDEST_HELD_LANE_AGE, "scheduler", "Maximum"),
            threshold=24 * HOUR,
            minutes=15,
            summary="Something has waited for a day, behind a dead letter or a receiver down.",
            first_command=held,
        ),
        AlarmDefinition(
            name="BreakersOpen",
            metric=measures.custom(names.BREAKERS_OPEN, "scheduler", "Maximum"),
            threshold=0,
            minutes=15,
            summary="An endpoint has been down for a quarter of an hour; its deliveries wait.",
            first_command=held,
        ),
        AlarmDefinition(
            name="PipelinesStalled",
            metric=measures.custom(names.PIPELINES_STALLED, "scheduler"),
            threshold=0,
            minutes=5,
            summary="A pipeline has stayed in one state for longer than its project allows.",
            first_command=f"lakehook pipelines list --older-than 15m --stack {measures.namespace}",
        ),
    )


def _attempt_alarms(measures: Metrics) -> Sequence[AlarmDefinition]:
    return (
        AlarmDefinition(
            name="FailureRate",
            metric=measures.failure_rate(),
            threshold=50,
            minutes=15,
            summary="Of a hundred attempts more than fifty fail: many receivers, or our way out.",
            first_command=log_tail_command(measures, "deliver", pattern=FAILED_ATTEMPTS),
        ),
        AlarmDefinition(
            name="InternalErrors",
            metric=measures.internal_errors(WORKERS),
            threshold=5,
            minutes=5,
            summary="AWS fails us, or we do: nothing is lost, and everything is late.",
            first_command=log_tail_command(measures, *WORKERS, pattern=INTERNAL_ERROR),
        ),
        AlarmDefinition(
            name="ReplaysFailing",
            metric=measures.custom(names.INTERNAL_ERRORS, "scheduler"),
            threshold=0,
            minutes=15,
            summary="For a quarter of an hour a replay has failed; what is new goes on.",
            first_command=f"lakehook replays list --stack {measures.namespace}",
        ),
    )


def function_alarms(measures: Metrics, stage: Stage) -> Sequence[AlarmDefinition]:
    return (
        AlarmDefinition(
            name="FunctionErrors",
            metric=total(
                {
                    retried_function: measures.for_function("Errors", retried_function)
                    for retried_function in RETRIED_FUNCTIONS
                },
                label="Errors",
            ),
            threshold=2,
            minutes=5,
            summary="Functions end in an error: what they had taken comes again in three minutes.",
            first_command=log_tail_command(measures, *RETRIED_FUNCTIONS, pattern=FAILED_INVOCATION),
        ),
        AlarmDefinition(
            name="Timeouts",
            metric=_share_of_timeout(measures, stage),
            threshold=99,
            minutes=5,
            summary="A function was stopped in the midst of its work, which comes again.",
            first_command=log_tail_command(measures, *RETRIED_FUNCTIONS, pattern="'\"timed out\"'"),
        ),
        AlarmDefinition(
            name="Throttles",
            metric=total(
                {
                    polled_function: measures.for_function("Throttles", polled_function)
                    for polled_function in POLLED_FUNCTIONS
                },
                label="Throttles",
            ),
            threshold=0,
            minutes=15,
            summary="Lambda has no room for us in this account: everything is late.",
            first_command="aws lambda get-account-settings",
        ),
        AlarmDefinition(
            name="WorkersBusy",
            metric=measures.for_function("ConcurrentExecutions", "deliver", "Maximum"),
            threshold=0.9 * stage.deliver_concurrency,
            minutes=15,
            summary="All workers are busy, so that every subscriber waits for the slow ones.",
            first_command=f"lakehook lanes list --held --stack {measures.namespace}",
        ),
    )


def _share_of_timeout(measures: Metrics, stage: Stage) -> cloudwatch.MathExpression:
    """Per cent. Lambda reports no duration longer than the timeout.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/lam-metricscollected.html
    """
    seconds = {
        "fanout": stage.fanout_timeout_seconds,
        "deliver": stage.deliver_timeout_seconds,
        "scheduler": stage.scheduler_timeout_seconds,
        "api": stage.api_timeout_seconds,
    }
    shares = ", ".join(
        f"FILL({retried_function}, 0) / {seconds[retried_function] * 10}"
        for retried_function in RETRIED_FUNCTIONS
    )
    return cloudwatch.MathExpression(
        expression=f"MAX([{shares}])",
        using_metrics={
            retried_function: measures.for_function("Duration", retried_function, "Maximum")
            for retried_function in RETRIED_FUNCTIONS
        },
        label="Longest run (% of its timeout)",
        period=PERIOD,
    )


def ingress_alarms(measures: Metrics) -> Sequence[AlarmDefinition]:
    reconcile = f"lakehook reconcile --devlake http://devlake:8080 --stack {measures.namespace}"
    return (
        AlarmDefinition(
            name="NotificationsLost",
            metric=total(
                {
                    "trouble": measures.custom(names.INTERNAL_ERRORS, "ingress"),
                    "errors": measures.for_function("Errors", "ingress"),
                },
                label="Notices lost",
            ),
            threshold=0,
            minutes=5,
            summary="The ingress has failed at notices, which DevLake does not repeat."
            " Ask your DevLake, by its URL, what they were.",
            first_command=reconcile,
        ),
        AlarmDefinition(
            name="NotificationsRejected",
            metric=measures.devlake_refused(),
            threshold=0,
            minutes=5,
            within=60,
            summary="Notices in DevLake's form were refused while few or none were accepted, and"
            " DevLake does not repeat them. The command shows the last one. signature: a readable"
            " notice by another secret, so DevLake's NOTIFICATION_SECRET is not the stack's."
            " no_signature, not_a_notice: perhaps somebody else.",
            first_command=f"lakehook devlake check --stack {measures.namespace}",
        ),
        AlarmDefinition(
            name="NotificationsThrottled",
            metric=measures.for_function("Throttles", "ingress"),
            threshold=0,
            minutes=5,
            summary="Lambda has turned notices away, which DevLake does not repeat."
            " Ask your DevLake, by its URL, what they were.",
            first_command=reconcile,
        ),
        AlarmDefinition(
            name="ReconcileFailing",
            metric=measures.custom(names.RECONCILE_LAG, "scheduler", "Maximum"),
            threshold=MAX_LAG_SECONDS,
            minutes=5,
            summary="For half an hour DevLake's API has not been read: lost notices stay lost.",
            first_command=log_tail_command(measures, "scheduler", pattern=RECONCILE_FAILED),
        ),
    )


def _periods(minutes: int) -> int:
    return max(1, minutes // int(PERIOD.to_minutes()))
