"""The stack: its constructs, in the order in which a message passes through them."""

from aws_cdk import CfnOutput, DefaultStackSynthesizer, Environment, PermissionsBoundary, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from constructs import Construct

from infra.constructs.functions import Deliver, Fanout, HttpApi, Ingress, Resources, Scheduler
from infra.constructs.lambda_function import LambdaFunction
from infra.constructs.operators_topic import OperatorsTopic
from infra.constructs.parameters import Parameters
from infra.constructs.queues import QueueWithDeadLetters, restrict_senders
from infra.constructs.secrets_key import SecretsKey
from infra.constructs.tables import Tables
from infra.monitoring.alarms import Alarms
from infra.monitoring.dashboard import Dashboard, SavedQueries
from infra.monitoring.metrics import Metrics
from infra.releases import Releases
from infra.stage import Stage
from lakehook.settings import StackOutputs


class LakehookStack(Stack):
    def __init__(self, scope: Construct, *, stage: Stage) -> None:
        super().__init__(
            scope,
            stage.stack_name,
            description="Lakehook: webhooks for Apache DevLake's pipelines",
            termination_protection=stage.retain_on_delete,
            env=Environment(account=stage.account, region=stage.region),
            permissions_boundary=_permissions_boundary(stage.permissions_boundary),
            synthesizer=_synthesizer(stage.qualifier),
            tags=dict(stage.tags),
        )
        self._stage = stage
        self._resources = self._create_resources(stage)
        self._add_functions()
        self._add_monitoring()
        self._add_outputs()

    def _create_resources(self, stage: Stage) -> Resources:
        parameters, retain = Parameters(self, "Parameters"), stage.retain_on_delete
        return Resources(
            stage=stage,
            parameters=parameters,
            events=QueueWithDeadLetters(
                self,
                "Events",
                name="events",
                dead_letter_name="events-dead-letter",
                stage=stage,
                visibility_seconds=stage.fanout_timeout_seconds,  # a crash's batch is back soon
            ),
            deliveries=QueueWithDeadLetters(
                self,
                "Deliveries",
                name="deliveries",
                dead_letter_name="dead-letter",
                stage=stage,
                visibility_seconds=stage.deliver_timeout_seconds,
            ),
            tables=Tables(self, "Tables", retain=retain),
            secrets=SecretsKey(self, "Secrets", existing_arn=stage.secrets_key_arn, retain=retain),
            operators=OperatorsTopic(
                self,
                "OperatorsTopic",
                existing_arn=stage.operators_topic_arn,
                email=parameters.operators_email,
            ),
        )

    def _add_functions(self) -> None:
        shared = self._resources
        self._ingress = Ingress(self, "Notifications", shared)
        fanout, deliver = Fanout(self, "Fanout", shared), Deliver(self, "Deliver", shared)
        self._scheduler = Scheduler(
            self, "Scheduler", shared, devlake_secret_arn=self._ingress.api_secret_arn
        )
        self._api = HttpApi(self, "Operators", shared)
        self._workers: dict[str, LambdaFunction] = {
            "ingress": self._ingress.worker,
            "fanout": fanout,
            "deliver": deliver,
            "scheduler": self._scheduler,
            "api": self._api.worker,
        }
        own_roles = [self._ingress.worker.role, self._scheduler.role]
        restrict_senders(shared.events.queue, self._stage, own_roles=own_roles)

    def _add_monitoring(self) -> None:
        topic = self._resources.operators.topic
        metrics = Metrics(
            namespace=self.stack_name,
            events=self._resources.events,
            deliveries=self._resources.deliveries,
            functions={name: worker.function for name, worker in self._workers.items()},
            schedule_name=self._scheduler.schedule_name,
        )
        if config := self._stage.deployment_config:
            releases = Releases(self, "Releases", deployment_config=config, metrics=metrics)
            releases.alarm.add_alarm_action(actions.SnsAction(topic))
            releases.add_functions({name: each.alias for name, each in self._workers.items()})
        alarms: list[cloudwatch.Alarm] = []
        if self._stage.alarms:
            alarms = Alarms(self, "Alarms", metrics=metrics, topic=topic).all
        if self._stage.dashboard:
            Dashboard(self, "Dashboard", metrics=metrics, alarms=alarms)
        SavedQueries(self, "Queries", metrics=metrics)

    def _add_outputs(self) -> None:
        secret_arn = self._ingress.api_secret_arn
        outputs = self._resources.values(
            StackOutputs,
            ingress_url=self._ingress.url,
            notification_secret_arn=self._ingress.secret_arn,
            devlake_api_secret_arn=self._resources.parameters.if_devlake_is_asked(secret_arn),
            api_url=self._api.url,
        )
        for name, value in outputs.to_outputs().items():
            CfnOutput(self, name, value=value)


def _permissions_boundary(policy: str | None) -> PermissionsBoundary | None:
    """Return the boundary of every role of the stack; a name is one of the stack's own account."""
    if policy is None:
        return None
    if policy.startswith("arn:"):
        return PermissionsBoundary.from_arn(policy)
    return PermissionsBoundary.from_name(policy)


def _synthesizer(qualifier: str | None) -> DefaultStackSynthesizer | None:
    return DefaultStackSynthesizer(qualifier=qualifier) if qualifier else None
