"""Releases by CodeDeploy: traffic moves to the new version step by step, and back on an alarm."""

from collections.abc import Mapping

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_codedeploy as codedeploy
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.constructs import acknowledge_rule
from infra.monitoring.metrics import Metrics, total
from lakehook import metrics as names

MAX_ERRORS_A_MINUTE = 2
"""More of them roll a release back. The alarms of every day look at five minutes: too late."""

ALARM = "ReleaseFailing"


class Releases(Construct):
    """Deployment groups of all functions. Whatever fails, each of them goes back.

    https://docs.aws.amazon.com/codedeploy/latest/userguide/deployment-steps-lambda.html
    """

    def __init__(
        self, scope: Construct, id_: str, *, deployment_config: str, metrics: Metrics
    ) -> None:
        super().__init__(scope, id_)
        self.alarm = self._alarm(metrics)
        self._application = codedeploy.LambdaApplication(self, "Application")
        self._config = codedeploy.LambdaDeploymentConfig.from_lambda_deployment_config_name(
            self, "Config", f"CodeDeployDefault.{deployment_config}"
        )

    def add_functions(self, aliases: Mapping[str, lambda_.Alias]) -> None:
        for name, alias in aliases.items():
            group = codedeploy.LambdaDeploymentGroup(
                self,
                name.title(),
                alias=alias,
                application=self._application,
                deployment_config=self._config,
                alarms=[self.alarm],
            )
            acknowledge_rule(
                group,
                "AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/"
                "AWSCodeDeployRoleForLambdaLimited]",
                "CodeDeploy's own policy for functions: aliases, alarms and hooks",
            )

    def _alarm(self, metrics: Metrics) -> cloudwatch.Alarm:
        minute = Duration.minutes(1)
        failures = {
            name: metrics.custom(names.INTERNAL_ERRORS, name).with_(period=minute)
            for name in metrics.functions
        }
        ended = {
            f"{name}_ended": metrics.for_function("Errors", name).with_(period=minute)
            for name in metrics.functions
        }
        return cloudwatch.Alarm(
            self,
            ALARM,
            alarm_name=f"{metrics.namespace}-{ALARM}",
            metric=total(failures | ended, label="Failures", period=minute),
            threshold=MAX_ERRORS_A_MINUTE,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=1,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            alarm_description="Functions fail more than twice in a minute. A release in progress"
            " is rolled back. First: aws deploy list-deployments --include-only-statuses"
            " Failed Stopped",
        )
