"""The operators' dashboard: health, failing endpoints and latency, on a grid of 24 columns."""

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from infra.monitoring.metrics import Metrics
from infra.monitoring.saved_queries import FAILURES
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


class Dashboard(Construct):
    def __init__(
        self, scope: Construct, id_: str, *, measures: Metrics, alarms: list[cloudwatch.Alarm]
    ) -> None:
        super().__init__(scope, id_)
        self._measures = measures
        rows = (
            *self._is_it_healthy(alarms),
            *self._who_is_failing(),
            *self._how_late_are_we(),
            *self._what_comes_in(),
        )
        cloudwatch.Dashboard(
            self,
            "Dashboard",
            dashboard_name=measures.namespace,
            default_interval=Duration.hours(3),
            widgets=[list(row) for row in rows],
        )

    def _is_it_healthy(self, alarms: list[cloudwatch.Alarm]) -> Sequence[Row]:
        ours = self._measures.custom
        return (
            [heading("Is it healthy?", "Each alarm has its section in docs/runbook.md.")],
            [cloudwatch.AlarmStatusWidget(alarms=alarms, title="Alarms", width=WIDTH, height=4)],
            [
                numbers("Now", ours(names.LANES_HELD, "scheduler", "Maximum"), self._breakers()),
                numbers(
                    "In this time",
                    ours(names.EVENTS, "fanout"),
                    ours(names.DELIVERED, "deliver"),
                    ours(names.DEAD, "deliver"),
                    over_all=True,
                ),
                graph(
                    "Our own trouble",
                    self._measures.internal_errors(self._measures.functions),
                    *self._of_functions("Errors"),
                ),
            ],
        )

    def _breakers(self) -> cloudwatch.Metric:
        return self._measures.custom(names.BREAKERS_OPEN, "scheduler", "Maximum")

    def _of_functions(self, name: str) -> Sequence[cloudwatch.IMetric]:
        return [
            self._measures.for_function(name, function) for function in self._measures.functions
        ]

    def _who_is_failing(self) -> Sequence[Row]:
        ours = self._measures.custom
        return (
            [heading("Who is failing?", "lakehook lanes list --held says who waits, and why.")],
            [
                cloudwatch.GraphWidget(
                    title="Attempts",
                    left=[ours(names.DELIVERED, "deliver"), ours(names.FAILED, "deliver")],
                    right=[self._measures.failure_rate()],
                    stacked=True,
                    width=HALF,
                    height=TALL,
                ),
                self._failures(),
            ],
            [
                graph(
                    "Given up",
                    ours(names.DEAD, "deliver"),
                    ours(names.DISCARDED, "deliver"),
                    ours(names.DISABLED, "deliver"),
                ),
                graph("Endpoints down", self._breakers(), ours(names.LANES_RESUMED, "scheduler")),
                graph("Dead letters", *self._dead_letters()),
            ],
        )

    def _failures(self) -> cloudwatch.LogQueryWidget:
        return cloudwatch.LogQueryWidget(
            title="Attempts that failed, by subscription and reason",
            log_group_names=[self._measures.log_group(function) for function in FAILURES.functions],
            query_string=FAILURES.query,
            width=HALF,
            height=TALL,
        )

    def _dead_letters(self) -> Sequence[cloudwatch.IMetric]:
        queues = {"deliveries": self._measures.deliveries, "events": self._measures.events}
        return [
            queue.dead_letters.metric_approximate_number_of_messages_visible(label=name)
            for name, queue in queues.items()
        ]

    def _how_late_are_we(self) -> Sequence[Row]:
        measures = self._measures
        queues = {"events": measures.events.queue, "deliveries": measures.deliveries.queue}
        ages = [
            queue.metric_approximate_age_of_oldest_message(label=name)
            for name, queue in queues.items()
        ]
        return (
            [heading("How late are we?", "Seconds in the queues and lanes, ms at the receivers.")],
            [
                graph("Oldest in the queues (s)", *ages),
                graph(
                    "Oldest held (s)",
                    measures.custom(names.OLDEST_HELD_LANE_AGE, "scheduler", "Maximum"),
                ),
                graph("Exchanges (ms)", *self._percentiles()),
            ],
        )

    def _percentiles(self) -> Sequence[cloudwatch.IMetric]:
        return [
            self._measures.custom(names.ATTEMPT_DURATION, "deliver", one).with_(label=one)
            for one in ("p50", "p90", "p99")
        ]

    def _what_comes_in(self) -> Sequence[Row]:
        ours = self._measures.custom
        busy = self._measures.for_function("ConcurrentExecutions", "deliver", "Maximum")
        of_events = (
            names.EVENTS,
            names.EVENTS_INFERRED,
            names.EVENTS_DEDUPLICATED,
            names.EVENTS_STALE,
        )
        of_notices = (
            names.NOTIFICATIONS_RECEIVED,
            names.NOTIFICATIONS_REJECTED,
            names.DEVLAKE_REFUSED,
        )
        notices = [ours(of_notice, "ingress") for of_notice in of_notices]
        return (
            [heading("What comes in?", "And how many workers are at it.")],
            [
                graph("Events", *(ours(of_event, "fanout") for of_event in of_events)),
                graph(
                    "Notices of DevLake, and bad events",
                    *notices,
                    ours(names.INVALID_MESSAGES, "fanout"),
                ),
                graph("Workers", busy, *self._of_functions("Throttles")),
            ],
            [
                graph("Events whose notices were lost", ours(names.EVENTS_RECONCILED, "scheduler")),
                graph(
                    "Since DevLake's API was read (s)",
                    ours(names.RECONCILE_LAG, "scheduler", "Maximum"),
                ),
            ],
        )
