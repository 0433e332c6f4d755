"""Who is woken: the operators' topic, and an alarm for each thing that is watched."""

from typing import Any

from aws_cdk import CfnCondition, Fn, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.excuse import excuse
from infra.measures import PERIOD, Measures
from infra.stage import Stage
from infra.watch import Watch
from infra.watches_of_deliveries import watches_of_deliveries
from infra.watches_of_functions import watches_of_functions
from infra.watches_of_notices import watches_of_notices
from infra.watches_of_queues import watches_of_queues
from lakehook.settings import NONE

ABOVE = cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD
BELOW = cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD
QUIET = cloudwatch.TreatMissingData.NOT_BREACHING
LOUD = cloudwatch.TreatMissingData.BREACHING


class Alarms(Construct):
    """They are named after the stack, so that a name in an e-mail is a title of the runbook."""

    def __init__(
        self, scope: Construct, id_: str, *, measures: Measures, stage: Stage, email: str
    ) -> None:
        super().__init__(scope, id_)
        self._prefix = measures.namespace
        topic = self._topic()
        self._write_to(email, topic)
        self._action = actions.SnsAction(topic)
        watches = (
            *watches_of_queues(measures),
            *watches_of_deliveries(measures),
            *watches_of_notices(measures),
            *watches_of_functions(measures, stage),
        )
        self.all = [*map(self._above, watches), self._silence_of_clock(measures)]

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
        given = Fn.condition_not(Fn.condition_equals(email, NONE))
        subscription.cfn_options.condition = CfnCondition(self, "EmailGiven", expression=given)
        excuse(
            subscription, "Serverless-SNSRedrivePolicy", "Who would read what no mail could tell?"
        )

    def _above(self, watch: Watch) -> cloudwatch.Alarm:
        periods = _periods(watch.minutes)
        return self._alarm(
            watch.name,
            metric=watch.metric,
            threshold=watch.above,
            comparison_operator=ABOVE,
            evaluation_periods=_periods(watch.within) if watch.within else periods,
            datapoints_to_alarm=periods if watch.within else None,
            treat_missing_data=QUIET,
            alarm_description=watch.description,
        )

    def _silence_of_clock(self, measures: Measures) -> cloudwatch.Alarm:
        clock = measures.functions["clock"]
        return self._alarm(
            "ClockSilent",
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


def _periods(minutes: int) -> int:
    return max(1, minutes // int(PERIOD.to_minutes()))
