"""The SNS topic of operators: alarms and the notices of the scheduler are sent to it."""

from aws_cdk import CfnCondition, Fn, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.constructs import acknowledge_rule
from infra.constructs.lambda_function import LambdaFunction
from lakehook.settings import UNSET


class OperatorsTopic(Construct):
    """Topic for operators: the stack's, or an existing one with its owner's policy."""

    def __init__(self, scope: Construct, id_: str, *, existing_arn: str | None, email: str) -> None:
        super().__init__(scope, id_)
        self.topic = self._topic(existing_arn)
        self._subscribe(email)

    @property
    def arn(self) -> str:
        return self.topic.topic_arn

    def grant_publish(self, worker: LambdaFunction) -> None:
        worker.grant(["sns:Publish"], on=self.arn)

    def _topic(self, existing_arn: str | None) -> sns.ITopic:
        """Create the topic for operators, on which CloudWatch may publish, or use an existing one.

        A policy of our own replaces the default one of SNS, which would have allowed that.

        https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html
        """
        if existing_arn:
            return sns.Topic.from_topic_arn(self, "Operators", existing_arn)
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

    def _subscribe(self, email: str) -> None:
        """Subscribe the address, which must confirm before SNS sends anything to it."""
        subscription = sns.CfnSubscription(
            self, "Email", topic_arn=self.topic.topic_arn, protocol="email", endpoint=email
        )
        is_given = Fn.condition_not(Fn.condition_equals(email, UNSET))
        subscription.cfn_options.condition = CfnCondition(self, "EmailGiven", expression=is_given)
        acknowledge_rule(
            subscription,
            "Serverless-SNSRedrivePolicy",
            "An alarm e-mail that SNS cannot deliver has no other reader: a queue would not be"
            " read.",
        )
