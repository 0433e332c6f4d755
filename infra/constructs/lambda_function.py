"""A Lambda function with its role, its log group, and its queue, schedule or URL."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jsii
from aws_cdk import (
    ArnFormat,
    AssetHashType,
    Aws,
    BundlingOptions,
    CfnCondition,
    Duration,
    Fn,
    IgnoreMode,
    ILocalBundling,
    Stack,
)
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.bundle import LAMBDAS_PROCESSOR, NOT_SHIPPED, ROOT, sources_of, write_bundle
from infra.constructs import FUNCTION_SUPPRESSIONS, acknowledge_rule, removal_policy
from infra.stage import PARAMETERS_DIGEST, Network, Stage
from lakehook.settings import Settings

BATCH_SIZE = 10
"""Maximum batch size of a FIFO queue."""

TAKE_MESSAGES = ("sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage")
"""https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html"""

FINISH_EARLY = ("sqs:ChangeMessageVisibility", "sqs:DeleteMessage")
"""Actions of a function that deletes or returns a message before its batch is done."""

INTERFACES = (
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
)
"""https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html"""

TICK_SUPPRESSIONS = "A late run is useless: the next one follows"


@jsii.implements(ILocalBundling)
class LocalBundling:
    def __init__(self, function: str, processor: str) -> None:
        self._function, self._processor = function, processor

    def try_bundle(self, output_dir: str, *_options: Any, **_more: Any) -> bool:
        write_bundle(self._function, Path(output_dir), processor=self._processor)
        return True


def code_of(function: str, scope: Construct) -> lambda_.Code:
    """Bundle the code; its hash covers the sources and the pins, so they are uploaded once.

    The context's ``processor`` is for a cloud that runs functions on this machine.
    """
    processor = scope.node.try_get_context("processor") or LAMBDAS_PROCESSOR
    return lambda_.Code.from_asset(
        str(ROOT),
        exclude=all_but(sources_of(function)),
        ignore_mode=IgnoreMode.GLOB,
        asset_hash_type=AssetHashType.SOURCE,
        bundling=BundlingOptions(
            image=lambda_.Runtime.PYTHON_3_13.bundling_image,  # required, but never pulled
            command=[processor],  # never run, but hashed: another processor needs another asset
            local=LocalBundling(function, processor),
        ),
    )


def all_but(sources: tuple[str, ...]) -> list[str]:
    """Return patterns that exclude everything but the sources from the asset's hash."""
    folders = {str(parent) for source in sources for parent in Path(source).parents} - {"."}
    through = [f"!{folder}" for folder in sorted(folders)]
    kept = [pattern for source in sources for pattern in (f"!{source}", f"!{source}/**")]
    return [
        "*",
        *(f"{folder}/*" for folder in sorted(folders)),
        *through,
        *kept,
        *(f"**/{name}" for name in NOT_SHIPPED),
    ]


class LambdaFunction(Construct):
    """A function that may write its own log; the stack grants all other permissions."""

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
            environment=settings.to_env() | self._telemetry(name) | self._digest(stage),
            role=self.role,
            log_group=log,
            **properties,
        )
        self.alias = self._alias() if stage.deployment_config else None
        """What is called, where releases are shifted: one version of the code, or two in turns."""
        for rule, reason in FUNCTION_SUPPRESSIONS.items():
            acknowledge_rule(self, rule, reason)

    def _digest(self, stage: Stage) -> dict[str, str]:
        """Return a variable that differs with the parameters of a deployment.

        A version is published with their values; where only they change, the CDK sees no change.
        """
        digest = self.node.try_get_context(PARAMETERS_DIGEST)
        return {"PARAMETERS_DIGEST": digest} if digest and stage.deployment_config else {}

    @property
    def called(self) -> lambda_.Alias | lambda_.Function:
        return self.alias or self.function

    def _alias(self) -> lambda_.Alias:
        return lambda_.Alias(self, "Live", alias_name="live", version=self.function.current_version)

    def _log(self, stage: Stage) -> logs.LogGroup:
        log = logs.LogGroup(
            self, "Log", removal_policy=removal_policy(retain=stage.retain_on_delete)
        )
        resource = log.node.default_child
        assert isinstance(resource, logs.CfnLogGroup)
        resource.retention_in_days = stage.retention.logs_days  # the CDK's enum lacks some numbers
        return log

    def _role(self, log: logs.LogGroup) -> iam.Role:
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        log.grant_write(role)
        return role

    def _telemetry(self, name: str) -> dict[str, str]:
        """Return variables; the namespace is the stack's name, so stages have separate metrics."""
        return {
            "POWERTOOLS_SERVICE_NAME": name,
            "POWERTOOLS_METRICS_NAMESPACE": Stack.of(self).stack_name,
        }

    def add_url(self, auth_type: lambda_.FunctionUrlAuthType) -> str:
        """Add a URL. With NONE anybody may call, so the function must verify a signature."""
        return self.called.add_function_url(auth_type=auth_type).url

    def add_queue_trigger(self, queue: sqs.IQueue, *, at_once: int) -> None:
        """Add a queue as a trigger, with fewer permissions than the CDK would grant."""
        self.grant(TAKE_MESSAGES, on=queue.queue_arn)
        self.called.add_event_source_mapping(
            "Queue",
            event_source_arn=queue.queue_arn,
            batch_size=BATCH_SIZE,
            report_batch_item_failures=True,
            max_concurrency=at_once,
        )

    def add_schedule(self, interval: Duration) -> str:
        """Add a rule of that name. A late tick is useless, since the next one follows.

        So neither EventBridge nor Lambda, whose asynchronous invocations have a queue, may retry.
        https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
        """
        self.called.configure_async_invoke(retry_attempts=0, max_event_age=interval)
        acknowledge_rule(self.called, "Serverless-LambdaAsyncFailureDestination", TICK_SUPPRESSIONS)
        rule = events.Rule(
            self,
            "Schedule",
            schedule=events.Schedule.rate(interval),
            targets=[targets.LambdaFunction(self.called, retry_attempts=0, max_event_age=interval)],
        )
        acknowledge_rule(rule, "Serverless-EventBusDLQ", TICK_SUPPRESSIONS)
        return rule.rule_name

    def grant(
        self, actions: Sequence[str], on: str, *, when: Mapping[str, Any] | None = None
    ) -> None:
        self.function.add_to_role_policy(
            iam.PolicyStatement(actions=list(actions), resources=[on], conditions=when)
        )

    def grant_if(self, condition: CfnCondition, actions: Sequence[str], on: str) -> None:
        """Grant by a policy that exists under a condition, like the resource that it names."""
        statement = iam.PolicyStatement(actions=list(actions), resources=[on])
        policy = iam.Policy(
            self, f"If{condition.node.id}", statements=[statement], roles=[self.role]
        )
        resource = policy.node.default_child
        assert isinstance(resource, iam.CfnPolicy)
        resource.cfn_options.condition = condition

    def add_to_vpc(self, network: Network, *, where: CfnCondition | None = None) -> None:
        """Attach to a VPC. Lambda creates interfaces with the function's role; its code can't."""
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
        self.grant(INTERFACES, on="*")
        acknowledge_rule(
            self.role,
            "AwsSolutions-IAM5[Resource::*]",
            "The name of a network interface is not known in advance",
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
        """Return the prefix of the functions' ARNs: the policy is created before the functions."""
        stack = Stack.of(self)
        return stack.format_arn(
            service="lambda",
            resource="function",
            resource_name=f"{stack.stack_name}-*",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
