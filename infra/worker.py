"""A function with its role, its log and the queue, the schedule or the URL that feeds it."""

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import Duration, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as event_sources
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from lakehook.settings import Settings

BATCH_SIZE = 10
"""The most that Lambda takes from a FIFO queue at a time."""

LOG_RETENTION = logs.RetentionDays.THREE_MONTHS
"""Longer than the 60 days for which the ledger explains a delivery."""


class Worker(Construct):
    """It may write to its own log; all else is granted where both sides are in sight."""

    def __init__(
        self, scope: Construct, id_: str, *, settings: Settings, **properties: Any
    ) -> None:
        super().__init__(scope, id_)
        name = id_.lower()
        log = logs.LogGroup(self, "Log", retention=LOG_RETENTION)
        self.function = lambda_.Function(
            self,
            "Function",
            handler=f"functions.{name}.handler.lambda_handler",
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=lambda_.Architecture.ARM_64,
            environment=settings.to_env() | self._telemetry(name),
            role=self._role(log),
            log_group=log,
            **properties,
        )

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

    def is_called_at_url(self) -> str:
        """By anybody: what comes must prove itself by its own signature."""
        return self.function.add_function_url(auth_type=lambda_.FunctionUrlAuthType.NONE).url

    def is_fed_by(self, queue: sqs.IQueue, *, at_once: int) -> None:
        """Also grants what taking messages from the queue needs."""
        self.function.add_event_source(
            event_sources.SqsEventSource(
                queue,
                batch_size=BATCH_SIZE,
                report_batch_item_failures=True,
                max_concurrency=at_once,
            )
        )

    def wakes_every(self, interval: Duration) -> None:
        """A tick that comes late is worth nothing: the next one is at hand."""
        events.Rule(
            self,
            "Schedule",
            schedule=events.Schedule.rate(interval),
            targets=[
                targets.LambdaFunction(self.function, retry_attempts=0, max_event_age=interval)
            ],
        )

    def may(
        self, actions: Sequence[str], on: str, *, when: Mapping[str, Any] | None = None
    ) -> None:
        self.function.add_to_role_policy(
            iam.PolicyStatement(actions=list(actions), resources=[on], conditions=when)
        )
