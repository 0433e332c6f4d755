"""A function with its role, its log and the queue, the schedule or the URL that feeds it."""

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import ArnFormat, Aws, CfnCondition, Duration, Fn, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.bundling import code_of
from infra.excuse import OF_A_FUNCTION, excuse
from infra.network import Network
from infra.removal import removal
from infra.stage import Stage
from lakehook.settings import Settings

BATCH_SIZE = 10
"""The most that Lambda takes from a FIFO queue at a time."""

TAKE_MESSAGES = ("sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage")
"""https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html"""

INTERFACES = (
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
)
"""https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html"""

OF_A_TICK = "A tick that comes late is worth nothing"


class Worker(Construct):
    """It may write to its own log; all else is granted where both sides are in sight."""

    def __init__(
        self, scope: Construct, id_: str, *, settings: Settings, stage: Stage, **properties: Any
    ) -> None:
        super().__init__(scope, id_)
        name = id_.lower()
        log = self._log(stage)
        self.role = self._role(log)
        self.function = lambda_.Function(
            self,
            "Function",
            code=code_of(name, self),
            handler=f"functions.{name}.handler.lambda_handler",
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=lambda_.Architecture.ARM_64,
            environment=settings.to_env() | self._telemetry(name),
            role=self.role,
            log_group=log,
            **properties,
        )
        for rule, reason in OF_A_FUNCTION.items():
            excuse(self.function, rule, reason)

    def _log(self, stage: Stage) -> logs.LogGroup:
        log = logs.LogGroup(self, "Log", removal_policy=removal(protected=stage.protected))
        resource = log.node.default_child
        assert isinstance(resource, logs.CfnLogGroup)
        resource.retention_in_days = stage.retention.logs_days  # the CDK has no type for any number
        return log

    def _role(self, log: logs.LogGroup) -> iam.Role:
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        log.grant_write(role)
        return role

    def _telemetry(self, name: str) -> dict[str, str]:
        """Stages that share an account do not share a metric: the namespace is the stack's name."""
        return {
            "POWERTOOLS_SERVICE_NAME": name,
            "POWERTOOLS_METRICS_NAMESPACE": Stack.of(self).stack_name,
        }

    def is_called_at_url(self, auth_type: lambda_.FunctionUrlAuthType) -> str:
        """NONE is anybody: then what comes must prove itself by a signature of its own."""
        return self.function.add_function_url(auth_type=auth_type).url

    def is_fed_by(self, queue: sqs.IQueue, *, at_once: int) -> None:
        """Also grants what taking messages from the queue needs; the CDK would grant more."""
        self.may(TAKE_MESSAGES, on=queue.queue_arn)
        self.function.add_event_source_mapping(
            "Queue",
            event_source_arn=queue.queue_arn,
            batch_size=BATCH_SIZE,
            report_batch_item_failures=True,
            max_concurrency=at_once,
        )

    def wakes_every(self, interval: Duration) -> str:
        """By a rule of that name. A tick that comes late is worth nothing: the next is at hand.

        So neither EventBridge tries one again, nor Lambda, which takes it first and runs it then.
        https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
        """
        self.function.configure_async_invoke(retry_attempts=0, max_event_age=interval)
        excuse(self.function, "Serverless-LambdaAsyncFailureDestination", OF_A_TICK)
        rule = events.Rule(
            self,
            "Schedule",
            schedule=events.Schedule.rate(interval),
            targets=[
                targets.LambdaFunction(self.function, retry_attempts=0, max_event_age=interval)
            ],
        )
        excuse(rule, "Serverless-EventBusDLQ", OF_A_TICK)
        return rule.rule_name

    def may_send(self, to: sqs.IQueue) -> None:
        """A batch is asked for by the same name."""
        self.may(["sqs:SendMessage"], on=to.queue_arn)

    def may(
        self, actions: Sequence[str], on: str, *, when: Mapping[str, Any] | None = None
    ) -> None:
        self.function.add_to_role_policy(
            iam.PolicyStatement(actions=list(actions), resources=[on], conditions=when)
        )

    def joins(self, network: Network, *, where: CfnCondition | None = None) -> None:
        """Lambda makes the interfaces, by the function's role; its code may not."""
        resource = self.function.node.default_child
        assert isinstance(resource, lambda_.CfnFunction)
        config = {
            "SubnetIds": list(network.subnets),
            "SecurityGroupIds": list(network.security_groups),
        }
        resource.add_property_override(
            "VpcConfig",
            Fn.condition_if(where.logical_id, config, Aws.NO_VALUE) if where else config,
        )
        self.may(INTERFACES, on="*")
        excuse(
            self.role, "AwsSolutions-IAM5[Resource::*]", "Lambda names an interface as it makes it"
        )
        self.function.add_to_role_policy(
            iam.PolicyStatement(
                effect=iam.Effect.DENY,
                actions=list(INTERFACES),
                resources=["*"],
                conditions={
                    "ArnLike": {"lambda:SourceFunctionArn": self._functions_of_the_stack()}
                },
            )
        )

    def _functions_of_the_stack(self) -> str:
        """By their prefix: a function is made after the policy that would have to name it."""
        stack = Stack.of(self)
        return stack.format_arn(
            service="lambda",
            resource="function",
            resource_name=f"{stack.stack_name}-*",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
