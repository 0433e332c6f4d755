"""The operators' dashboard: health, failing endpoints and latency, on a grid of 24 columns."""

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.monitoring.metrics import Metrics
from lakehook import metrics as names

WIDTH, HALF, THIRD, TALL = 24, 12, 8, 6
Row = Sequence[cloudwatch.IWidget]


def heading(question: str, answer: str) -> cloudwatch.TextWidget:
    return cloudwatch.TextWidget(markdown=f"## {question}\n{answer}", width=WIDTH, height=2)


def graph(title: str, *metrics: cloudwatch.IMetric) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, left=list(metrics), width=THIRD, height=TALL)


def numbers(
    title: str, *metrics: cloudwatch.IMetric, over_all: bool = False
) -> cloudwatch.SingleValueWidget:
    return cloudwatch.SingleValueWidget(
        title=title,
        metrics=list(metrics),
        set_period_to_time_range=over_all,
        width=THIRD,
        height=TALL,
    )


def _or_zero(id_: str, metric: cloudwatch.Metric) -> cloudwatch.MathExpression:
    """Fill the periods in which nothing waited, and so nothing was written."""
    return cloudwatch.MathExpression(
        expression=f"FILL({id_}, 0)",
        using_metrics={id_: metric},
        label=metric.label,
        period=metric.period,
    )


class Dashboard(Construct):
    def __init__(
        self, scope: Construct, id_: str, *, metrics: Metrics, alarms: list[cloudwatch.Alarm]
    ) -> None:
        super().__init__(scope, id_)
        self._metrics = metrics
        rows = (
            *self._health_rows(alarms),
            *self._failure_rows(),
            *self._latency_rows(),
            *self._input_rows(),
        )
        cloudwatch.Dashboard(
            self,
            "Dashboard",
            dashboard_name=metrics.namespace,
            default_interval=Duration.hours(3),
            widgets=[list(row) for row in rows],
        )

    def _health_rows(self, alarms: list[cloudwatch.Alarm]) -> Sequence[Row]:
        metric = self._metrics.custom
        status = cloudwatch.AlarmStatusWidget(alarms=alarms, title="Alarms", width=WIDTH, height=4)
        return (
            [heading("Is it healthy?", "Each alarm has its section in docs/runbook.md.")],
            *([[status]] if alarms else []),
            [
                numbers(
                    "Now", _or_zero("held", self._lanes_held()), _or_zero("down", self._breakers())
                ),
                numbers(
                    "In this period",
                    metric(names.EVENTS, "fanout"),
                    metric(names.DELIVERED, "deliver"),
                    metric(names.DEAD, "deliver"),
                    over_all=True,
                ),
                graph(
                    "Errors of AWS and of our code",
                    self._metrics.internal_errors(self._metrics.functions),
                    *self._of_functions("Errors"),
                ),
            ],
        )

    def _lanes_held(self) -> cloudwatch.Metric:
        return self._metrics.custom(names.LANES_HELD, "scheduler", "Maximum")

    def _breakers(self) -> cloudwatch.Metric:
        return self._metrics.custom(names.BREAKERS_OPEN, "scheduler", "Maximum")

    def _of_functions(self, name: str) -> Sequence[cloudwatch.IMetric]:
        return [self._metrics.for_function(name, function) for function in self._metrics.functions]

    def _failure_rows(self) -> Sequence[Row]:
        metric = self._metrics.custom
        return (
            [
                heading(
                    "Who is failing?", "lakehook lanes list --held shows which lanes wait, and why."
                )
            ],
            [
                cloudwatch.GraphWidget(
                    title="Attempts",
                    left=[metric(names.DELIVERED, "deliver"), metric(names.FAILED, "deliver")],
                    right=[self._metrics.failure_rate()],
                    stacked=True,
                    width=HALF,
                    height=TALL,
                ),
                self._failures(),
            ],
            [
                graph(
                    "Dead letters and discarded deliveries",
                    metric(names.DEAD, "deliver"),
                    metric(names.DISCARDED, "deliver"),
                    metric(names.DISABLED, "deliver"),
                ),
                graph("Endpoints down", self._breakers(), metric(names.LANES_RESUMED, "scheduler")),
                graph("Dead letters", *self._dead_letters()),
            ],
        )

    def _failures(self) -> cloudwatch.LogQueryWidget:
        return cloudwatch.LogQueryWidget(
            title="Attempts that failed, by subscription and reason",
            log_group_names=[self._metrics.log_group(function) for function in FAILURES.functions],
            query_string=FAILURES.query,
            width=HALF,
            height=TALL,
        )

    def _dead_letters(self) -> Sequence[cloudwatch.IMetric]:
        queues = {"deliveries": self._metrics.deliveries, "events": self._metrics.events}
        return [
            queue.dead_letters.metric_approximate_number_of_messages_visible(label=name)
            for name, queue in queues.items()
        ]

    def _latency_rows(self) -> Sequence[Row]:
        metrics = self._metrics
        queues = {"events": metrics.events.queue, "deliveries": metrics.deliveries.queue}
        ages = [
            queue.metric_approximate_age_of_oldest_message(label=name)
            for name, queue in queues.items()
        ]
        return (
            [
                heading(
                    "How late are we?", "Seconds in queues and lanes, milliseconds at endpoints."
                )
            ],
            [
                graph("Oldest in the queues (s)", *ages),
                graph(
                    "Oldest held (s)",
                    metrics.custom(names.OLDEST_HELD_LANE_AGE, "scheduler", "Maximum"),
                ),
                graph("Attempts (ms)", *self._percentiles()),
            ],
        )

    def _percentiles(self) -> Sequence[cloudwatch.IMetric]:
        return [
            self._metrics.custom(names.ATTEMPT_DURATION, "deliver", statistic).with_(
                label=statistic
            )
            for statistic in ("p50", "p90", "p99")
        ]

    def _input_rows(self) -> Sequence[Row]:
        metric = self._metrics.custom
        busy = self._metrics.for_function("ConcurrentExecutions", "deliver", "Maximum")
        event_metrics = (
            names.EVENTS,
            names.EVENTS_INFERRED,
            names.EVENTS_DEDUPLICATED,
            names.EVENTS_STALE,
        )
        notification_metrics = (
            names.NOTIFICATIONS_RECEIVED,
            names.NOTIFICATIONS_REJECTED,
            names.DEVLAKE_REFUSED,
        )
        notifications = [metric(name, "ingress") for name in notification_metrics]
        return (
            [heading("What comes in?", "Events, notifications of DevLake, and busy workers.")],
            [
                graph("Events", *(metric(name, "fanout") for name in event_metrics)),
                graph(
                    "Notifications of DevLake, and invalid events",
                    *notifications,
                    metric(names.INVALID_MESSAGES, "fanout"),
                ),
                graph("Workers", busy, *self._of_functions("Throttles")),
            ],
            [
                graph(
                    "Events recovered from DevLake's API",
                    metric(names.EVENTS_RECONCILED, "scheduler"),
                ),
                graph(
                    "Time since DevLake's API was read (s)",
                    metric(names.RECONCILE_LAG, "scheduler", "Maximum"),
                ),
            ],
        )


@dataclass(frozen=True, kw_only=True)
class SavedQuery:
    name: str
    functions: tuple[str, ...]  # whose logs are read
    query: str


ONE_PIPELINE = SavedQuery(
    name="one pipeline",
    functions=("ingress", "scheduler", "fanout", "deliver"),
    query="""\
fields @timestamp, message, event_type, subscription, sequence, outcome, status, milliseconds, fate
| filter pipeline_id = "39" # the pipeline's id; and source = "staging" where it has one
| sort @timestamp asc
| limit 1000""",
)

ONE_SUBSCRIPTION = SavedQuery(
    name="one subscription",
    functions=("deliver",),
    query="""\
fields @timestamp, message, delivery, event_type, attempt, outcome, status, milliseconds, reason
| filter subscription = "sub_0123" # the id that lakehook subscriptions list shows
| sort @timestamp desc
| limit 1000""",
)

FAILURES = SavedQuery(
    name="failures by reason",
    functions=("deliver",),
    query="""\
filter message = "delivery_attempted" and outcome != "delivered"
| stats count(*) as attempts, count_distinct(delivery) as deliveries \
by subscription, outcome, status
| sort attempts desc
| limit 100""",
)

LATENCY = SavedQuery(
    name="latency",
    functions=("deliver",),
    query="""\
filter message = "delivery_attempted"
| stats count(*) as attempts, pct(milliseconds, 50) as p50, pct(milliseconds, 90) as p90, \
pct(milliseconds, 99) as p99, max(milliseconds) as longest by subscription
| sort p99 desc
| limit 100""",
)

REFUSALS = SavedQuery(
    name="refused notifications",
    functions=("ingress",),
    query="""\
filter message = "notification_rejected"
| stats count(*) as notifications, max(@timestamp) as latest by seems_devlake, kind, status, reason
| sort notifications desc
| limit 100""",
)

INTERNAL_ERRORS = SavedQuery(
    name="internal errors",
    functions=("ingress", "fanout", "deliver", "scheduler", "api"),
    query="""\
fields @timestamp, @log, doing, exception_name, @message
| filter message = "internal_error" or @message like "[ERROR]" or @message like "Error:" \
or @message like "Task timed out"
| sort @timestamp desc
| limit 100""",
)

LOST_NOTIFICATIONS = SavedQuery(
    name="lost notifications",
    functions=("scheduler",),
    query="""\
fields @timestamp, message, source, pipeline_id, event_type, event_id, reason
| filter message = "event_reconciled" or message = "reconcile_failed"
| sort @timestamp desc
| limit 1000""",
)

SAVED_QUERIES = (
    ONE_PIPELINE,
    ONE_SUBSCRIPTION,
    FAILURES,
    LATENCY,
    REFUSALS,
    LOST_NOTIFICATIONS,
    INTERNAL_ERRORS,
)


class SavedQueries(Construct):
    def __init__(self, scope: Construct, id_: str, *, metrics: Metrics) -> None:
        super().__init__(scope, id_)
        for query in SAVED_QUERIES:
            logs.CfnQueryDefinition(
                self,
                query.name.title().replace(" ", ""),
                name=f"{metrics.namespace}/{query.name}",
                query_string=query.query,
                log_group_names=[metrics.log_group(function) for function in query.functions],
            )
