"""The stack: its constructs, in the order in which a message passes through them."""

from aws_cdk import (
    CfnOutput,
    DefaultStackSynthesizer,
    Environment,
    PermissionsBoundary,
    Stack,
)
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from constructs import Construct

from infra.constructs.api import HttpApi
from infra.constructs.deliver import Deliver
from infra.constructs.fanout import Fanout
from infra.constructs.ingress import Ingress
from infra.constructs.operators_topic import OperatorsTopic
from infra.constructs.queues import QueueWithDeadLetters, restrict_senders
from infra.constructs.scheduler import Scheduler
from infra.constructs.secrets_key import SecretsKey
from infra.constructs.tables import Tables
from infra.monitoring.alarms import Alarms
from infra.monitoring.dashboard import Dashboard
from infra.monitoring.metrics import Metrics
from infra.monitoring.saved_queries import SavedQueries
from infra.parameters import Parameters
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
        self._parameters = Parameters(self, "Parameters")

        self._events = self._queue(
            "Events",
            "events",
            "events-dead-letter",
            visibility_seconds=stage.fanout_timeout_seconds,  # so a crash's batch comes back soon
        )
        self._deliveries = self._queue(
            "Deliveries",
            "deliveries",
            "dead-letter",
            visibility_seconds=stage.deliver_timeout_seconds,
        )
        self._tables = Tables(self, "Tables", retain=stage.retain_on_delete)
        self._secrets = SecretsKey(
            self,
            "Secrets",
            existing_arn=stage.secrets_key_arn,
            retain=stage.retain_on_delete,
        )
        self._operators = OperatorsTopic(
            self,
            "OperatorsTopic",
            existing_arn=stage.operators_topic_arn,
            email=self._parameters.operators_email,
        )

        self._add_functions()
        self._add_monitoring()
        self._add_outputs()

    def _add_functions(self) -> None:
        stage = self._stage
        self._ingress = Ingress(
            self,
            "Notifications",
            stage=stage,
            parameters=self._parameters,
            tables=self._tables,
            events=self._events,
        )
        self._fanout = Fanout(
            self,
            "Fanout",
            stage=stage,
            tables=self._tables,
            events=self._events,
            deliveries=self._deliveries,
        )
        self._deliver = Deliver(
            self,
            "Deliver",
            stage=stage,
            parameters=self._parameters,
            tables=self._tables,
            deliveries=self._deliveries,
            secrets=self._secrets,
        )
        self._scheduler = Scheduler(
            self,
            "Scheduler",
            stage=stage,
            parameters=self._parameters,
            tables=self._tables,
            events=self._events,
            deliveries=self._deliveries,
            devlake_api_secret=self._ingress.api_secret,
            topic=self._operators,
        )
        self._api = HttpApi(
            self,
            "Operators",
            stage=stage,
            parameters=self._parameters,
            tables=self._tables,
            events=self._events,
            deliveries=self._deliveries,
            secrets=self._secrets,
        )
        restrict_senders(
            self._events.queue, stage, own_roles=[self._ingress.worker.role, self._scheduler.role]
        )

    def _add_monitoring(self) -> None:
        metrics = Metrics(
            namespace=self.stack_name,
            events=self._events,
            deliveries=self._deliveries,
            functions={
                "ingress": self._ingress.function,
                "fanout": self._fanout.function,
                "deliver": self._deliver.function,
                "scheduler": self._scheduler.function,
                "api": self._api.function,
            },
            schedule_name=self._scheduler.schedule_name,
        )
        if self._stage.deployment_config:
            self._add_releases(self._stage.deployment_config, metrics)
        alarms: list[cloudwatch.Alarm] = []
        if self._stage.alarms:
            topic = self._operators.topic
            alarms = Alarms(self, "Alarms", metrics=metrics, topic=topic).all
        if self._stage.dashboard:
            Dashboard(self, "Dashboard", metrics=metrics, alarms=alarms)
        SavedQueries(self, "Queries", metrics=metrics)

    def _add_releases(self, deployment_config: str, metrics: Metrics) -> None:
        releases = Releases(self, "Releases", deployment_config=deployment_config, metrics=metrics)
        releases.alarm.add_alarm_action(actions.SnsAction(self._operators.topic))
        functions = {
            "ingress": self._ingress.worker,
            "fanout": self._fanout,
            "deliver": self._deliver,
            "scheduler": self._scheduler,
            "api": self._api.worker,
        }
        releases.add_functions({name: each.alias for name, each in functions.items()})

    def _queue(
        self, id_: str, name: str, dead_letter_name: str, *, visibility_seconds: int
    ) -> QueueWithDeadLetters:
        return QueueWithDeadLetters(
            self,
            id_,
            name=name,
            dead_letter_name=dead_letter_name,
            stage=self._stage,
            visibility_seconds=visibility_seconds,
        )

    def _add_outputs(self) -> None:
        outputs = StackOutputs(
            events_queue_url=self._events.queue.queue_url,
            deliveries_queue_url=self._deliveries.queue.queue_url,
            dead_letter_queue_url=self._deliveries.dead_letters.queue_url,
            events_dead_letter_queue_url=self._events.dead_letters.queue_url,
            subscriptions_table=self._tables.subscriptions.table_name,
            pipelines_table=self._tables.pipelines.table_name,
            deliveries_table=self._tables.deliveries.table_name,
            secrets_key=self._secrets.key.key_arn,
            allowed_networks=self._parameters.allowed_networks,
            ingress_url=self._ingress.url,
            notification_secret_arn=self._ingress.secret_arn,
            devlake_api_url=self._parameters.devlake_api_url,
            devlake_ui_url=self._parameters.devlake_ui_url,
            devlake_sources=self._parameters.devlake_sources,
            devlake_api_secret_arn=self._parameters.if_devlake_is_asked(
                self._ingress.api_secret.secret_arn
            ),
            api_url=self._api.url,
            email_sender=self._parameters.email_sender,
            event_retention_days=str(self._stage.retention.events_days),
            operators_topic_arn=self._operators.arn,
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
