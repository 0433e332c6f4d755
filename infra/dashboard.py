"""What operators look at: is it healthy, who is failing, how late are we."""

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from infra.measures import Measures
from infra.queries import FAILURES
from infra.widgets import HALF, TALL, WIDTH, graph, heading, numbers
from lakehook import metrics as names

Row = Sequence[cloudwatch.IWidget]


class Dashboard(Construct):
    def __init__(
        self, scope: Construct, id_: str, *, measures: Measures, alarms: list[cloudwatch.Alarm]
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
        ours = self._measures.ours
        return (
            [heading("Is it healthy?", "Each alarm has its section in docs/runbook.md.")],
            [cloudwatch.AlarmStatusWidget(alarms=alarms, title="Alarms", width=WIDTH, height=4)],
            [
                numbers("Now", ours(names.LANES_HELD, "clock", "Maximum"), self._breakers()),
                numbers(
                    "In this time",
                    ours(names.EVENTS, "fanout"),
                    ours(names.DELIVERED, "deliver"),
                    ours(names.DEAD, "deliver"),
                    over_all=True,
                ),
                graph(
                    "Our own trouble",
                    self._measures.trouble(self._measures.functions),
                    *self._of_functions("Errors"),
                ),
            ],
        )

    def _breakers(self) -> cloudwatch.Metric:
        return self._measures.ours(names.BREAKERS_OPEN, "clock", "Maximum")

    def _of_functions(self, name: str) -> Sequence[cloudwatch.IMetric]:
        return [self._measures.of_function(name, one) for one in self._measures.functions]

    def _who_is_failing(self) -> Sequence[Row]:
        ours = self._measures.ours
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
                graph("Endpoints down", self._breakers(), ours(names.LANES_WOKEN, "clock")),
                graph("Dead letters", *self._dead_letters()),
            ],
        )

    def _failures(self) -> cloudwatch.LogQueryWidget:
        return cloudwatch.LogQueryWidget(
            title="Attempts that failed, by subscription and reason",
            log_group_names=[self._measures.log_of(one) for one in FAILURES.asked_of],
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
                graph("Oldest held (s)", measures.ours(names.OLDEST_HELD, "clock", "Maximum")),
                graph("Exchanges (ms)", *self._percentiles()),
            ],
        )

    def _percentiles(self) -> Sequence[cloudwatch.IMetric]:
        return [
            self._measures.ours(names.EXCHANGE_TIME, "deliver", one).with_(label=one)
            for one in ("p50", "p90", "p99")
        ]

    def _what_comes_in(self) -> Sequence[Row]:
        ours = self._measures.ours
        busy = self._measures.of_function("ConcurrentExecutions", "deliver", "Maximum")
        of_events = (names.EVENTS, names.EVENTS_INFERRED, names.EVENTS_ABSORBED, names.EVENTS_STALE)
        of_notices = (names.NOTICES, names.NOTICES_REFUSED, names.DEVLAKE_REFUSED)
        notices = [ours(one, "ingress") for one in of_notices]
        return (
            [heading("What comes in?", "And how many workers are at it.")],
            [
                graph("Events", *(ours(one, "fanout") for one in of_events)),
                graph("Notices of DevLake, and bad events", *notices, ours(names.PARKED, "fanout")),
                graph("Workers", busy, *self._of_functions("Throttles")),
            ],
            [
                graph("Events whose notices were lost", ours(names.EVENTS_RECONCILED, "clock")),
                graph(
                    "Since DevLake's API was read (s)",
                    ours(names.RECONCILE_LAG, "clock", "Maximum"),
                ),
            ],
        )
