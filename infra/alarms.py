"""What wakes people: each alarm says what it means, and the first command to type."""

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.fifo_queue import FifoQueue
from lakehook import metrics as names

MINUTE, HOUR = 60, 3600
ABOVE = cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD
BELOW = cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD
QUIET = cloudwatch.TreatMissingData.NOT_BREACHING


@dataclass(frozen=True, kw_only=True)
class Watch:
    """``above`` is the value at which nobody needs to get up yet."""

    name: str
    metric: cloudwatch.IMetric
    above: float
    minutes: int
    means: str
    type: str  # first


class Alarms(Construct):
    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        events: FifoQueue,
        deliveries: FifoQueue,
        clock: lambda_.IFunction,
    ) -> None:
        super().__init__(scope, id_)
        self._action = actions.SnsAction(sns.Topic(self, "Operators", enforce_ssl=True))
        for watch in (*self._of_queues(events, deliveries), *self._of_ours()):
            self._add(watch)
        self._add_silence_of(clock)

    def _of_queues(self, events: FifoQueue, deliveries: FifoQueue) -> Sequence[Watch]:
        return (
            Watch(
                name="DeadLetters",
                metric=deliveries.dead_letters.metric_approximate_number_of_messages_visible(),
                above=0,
                minutes=5,
                means="Deliveries were given up; under strict ordering their lanes stand still.",
                type="lakehook dead-letters list",
            ),
            Watch(
                name="BadEvents",
                metric=events.dead_letters.metric_approximate_number_of_messages_visible(),
                above=0,
                minutes=5,
                means="A producer has sent what is no event; each message says why.",
                type="the SQS console's poll of the events' dead-letter queue",
            ),
            Watch(
                name="OldestEvent",
                metric=events.queue.metric_approximate_age_of_oldest_message(),
                above=5 * MINUTE,
                minutes=5,
                means="Events are not being fanned out: the function fails, or tables are away.",
                type="aws logs tail, of the function fanout",
            ),
        )

    def _of_ours(self) -> Sequence[Watch]:
        return (
            Watch(
                name="OldestHeld",
                metric=self._metric(names.OLDEST_HELD, "clock"),
                above=24 * HOUR,
                minutes=15,
                means="Something has waited for a day, behind a dead letter or a receiver down.",
                type="lakehook lanes list --held",
            ),
            Watch(
                name="BreakersOpen",
                metric=self._metric(names.BREAKERS_OPEN, "clock"),
                above=0,
                minutes=15,
                means="An endpoint has been down for a quarter of an hour; its deliveries wait.",
                type="lakehook lanes list --held",
            ),
            Watch(
                name="PipelinesStalled",
                metric=self._metric(names.PIPELINES_STALLED, "clock", "Sum"),
                above=0,
                minutes=5,
                means="A pipeline has stayed in one state for longer than its project allows.",
                type="lakehook pipelines list --older-than 15m",
            ),
            Watch(
                name="OwnTrouble",
                metric=cloudwatch.MathExpression(
                    expression="+".join(f"FILL({one}, 0)" for one in _FUNCTIONS),
                    using_metrics={
                        one: self._metric(names.TROUBLE, one, "Sum") for one in _FUNCTIONS
                    },
                    period=Duration.minutes(5),
                ),
                above=5,
                minutes=5,
                means="AWS fails us, or we do: nothing is lost, and everything is late.",
                type="aws logs tail, of the functions, for own_trouble",
            ),
        )

    def _metric(self, name: str, service: str, statistic: str = "Maximum") -> cloudwatch.Metric:
        """The namespace is the stack's name, as the functions are told."""
        return cloudwatch.Metric(
            namespace=Stack.of(self).stack_name,
            metric_name=name,
            dimensions_map={"service": service},
            statistic=statistic,
            period=Duration.minutes(5),
        )

    def _add(self, watch: Watch) -> None:
        periods = max(1, watch.minutes // 5)
        alarm = cloudwatch.Alarm(
            self,
            watch.name,
            metric=watch.metric,
            threshold=watch.above,
            comparison_operator=ABOVE,
            evaluation_periods=periods,
            treat_missing_data=QUIET,
            alarm_description=f"{watch.means} First: {watch.type}",
        )
        alarm.add_alarm_action(self._action)

    def _add_silence_of(self, clock: lambda_.IFunction) -> None:
        alarm = cloudwatch.Alarm(
            self,
            "ClockSilent",
            metric=clock.metric_invocations(period=Duration.minutes(5)),
            threshold=1,
            comparison_operator=BELOW,
            evaluation_periods=2,
            treat_missing_data=cloudwatch.TreatMissingData.BREACHING,
            alarm_description="Nothing that waits is woken any more."
            " First: aws events list-rules, whether the schedule is enabled",
        )
        alarm.add_alarm_action(self._action)


_FUNCTIONS = ("ingress", "fanout", "deliver", "clock", "api")
