"""The system in the order in which a message passes through it."""

from aws_cdk import CfnOutput, Duration, Stack
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.admission import admit
from infra.alarms import Alarms
from infra.api import Api
from infra.dashboard import Dashboard
from infra.fifo_queue import FifoQueue
from infra.ingress import Ingress
from infra.mail import may_send_mail
from infra.measures import Measures
from infra.parameters import Parameters
from infra.queries import Queries
from infra.secrets_key import SecretsKey
from infra.stage import CLOCK_INTERVAL_SECONDS, Stage
from infra.tables import Tables
from infra.worker import Worker
from lakehook.settings import ClockSettings, DeliverSettings, Deployment, FanoutSettings

READ_SUBSCRIPTIONS = ("dynamodb:GetItem", "dynamodb:Scan")
DISABLE_SUBSCRIPTIONS = ("dynamodb:UpdateItem",)
NUMBER_EVENTS = ("dynamodb:BatchGetItem", "dynamodb:PutItem")
FIND_AND_LEASE = ("dynamodb:BatchGetItem", "dynamodb:UpdateItem")
LEASE_A_STALL = ("dynamodb:UpdateItem",)
FORGET_A_BREAKER = ("dynamodb:GetItem", "dynamodb:DeleteItem")
READ_THE_PAST = ("dynamodb:Query", "dynamodb:Scan")
LINE_UP = ("dynamodb:PutItem", "dynamodb:Query")
KEEP_THE_LEDGER = (
    "dynamodb:BatchGetItem",
    "dynamodb:DeleteItem",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "dynamodb:UpdateItem",
)
FINISH_EARLY = ("sqs:ChangeMessageVisibility", "sqs:DeleteMessage")

WAKES_ITSELF = lambda_.RecursiveLoop.ALLOW
"""A success at an endpoint that was down sends word to lanes that wait for it, each lane once.

Lambda would take that for a loop after 16 steps, and stop it.
https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
"""


class LakehookStack(Stack):
    def __init__(self, scope: Construct, *, stage: Stage) -> None:
        super().__init__(
            scope,
            stage.stack_name,
            description="Lakehook: webhooks for Apache DevLake's pipelines",
            termination_protection=stage.protected,
        )
        self._stage = stage
        self._parameters = Parameters(self, "Parameters")

        self._events = self._queue("Events", "events", "events-dead-letter")
        self._deliveries = self._queue("Deliveries", "deliveries", "dead-letter")
        self._tables = Tables(self, "Tables", protected=stage.protected)
        self._secrets = SecretsKey(self, "Secrets", protected=stage.protected)

        self._ingress = self._add_ingress()
        fanout, deliver, clock = self._add_fanout(), self._add_deliver(), self._add_clock()
        self._api = self._add_api()
        own = [worker.role for worker in (self._ingress.worker, clock)]
        admit(stage.producers, self._events.queue, beside=own)
        measures = Measures(
            namespace=self.stack_name,
            events=self._events,
            deliveries=self._deliveries,
            functions={
                "ingress": self._ingress.function,
                "fanout": fanout.function,
                "deliver": deliver.function,
                "clock": clock.function,
                "api": self._api.function,
            },
            schedule_name=self._schedule_name,
        )
        self._add_what_operators_see(measures)
        self._tell_outputs()

    def _add_what_operators_see(self, measures: Measures) -> None:
        email = self._parameters.operators_email
        alarms = Alarms(self, "Alarms", measures=measures, stage=self._stage, email=email)
        Dashboard(self, "Dashboard", measures=measures, alarms=alarms.all)
        Queries(self, "Queries", measures=measures)

    def _queue(self, id_: str, name: str, dead_letter_name: str) -> FifoQueue:
        return FifoQueue(
            self,
            id_,
            name=f"{self._stage.stack_name}-{name}",
            dead_letter_name=f"{self._stage.stack_name}-{dead_letter_name}",
            visibility=Duration.seconds(self._stage.visibility_seconds),
        )

    def _add_ingress(self) -> Ingress:
        return Ingress(
            self,
            "Notices",
            stage=self._stage,
            parameters=self._parameters,
            events=self._events.queue,
        )

    def _add_fanout(self) -> Worker:
        fanout = Worker(
            self,
            "Fanout",
            settings=self._fanout_settings(),
            stage=self._stage,
            timeout=Duration.seconds(self._stage.fanout_timeout_seconds),
            memory_size=256,
        )
        fanout.is_fed_by(self._events.queue, at_once=self._stage.fanouts_at_once)
        fanout.may(READ_SUBSCRIPTIONS, on=self._tables.subscriptions.table_arn)
        fanout.may(NUMBER_EVENTS, on=self._tables.pipelines.table_arn)
        fanout.may_send(self._deliveries.queue)
        fanout.may_send(self._events.dead_letters)
        return fanout

    def _fanout_settings(self) -> FanoutSettings:
        return FanoutSettings(
            subscriptions_table=self._tables.subscriptions.table_name,
            pipelines_table=self._tables.pipelines.table_name,
            deliveries_queue_url=self._deliveries.queue.queue_url,
            events_dead_letter_queue_url=self._events.dead_letters.queue_url,
            event_retention_days=str(self._stage.retention.events_days),
        )

    def _add_deliver(self) -> Worker:
        deliver = Worker(
            self,
            "Deliver",
            settings=self._deliver_settings(),
            stage=self._stage,
            timeout=Duration.seconds(self._stage.deliver_timeout_seconds),
            memory_size=512,
            recursive_loop=WAKES_ITSELF,
        )
        deliver.is_fed_by(self._deliveries.queue, at_once=self._stage.deliveries_at_once)
        deliver.may(FINISH_EARLY, on=self._deliveries.queue.queue_arn)
        deliver.may(READ_SUBSCRIPTIONS, on=self._tables.subscriptions.table_arn)
        deliver.may(DISABLE_SUBSCRIPTIONS, on=self._tables.subscriptions.table_arn)
        deliver.may(KEEP_THE_LEDGER, on=self._tables.deliveries.table_arn)
        deliver.may(["dynamodb:Query"], on=self._tables.asleep_index_arn)
        deliver.may_send(self._deliveries.queue)
        deliver.may_send(self._deliveries.dead_letters)
        self._secrets.opens_for(deliver)
        may_send_mail(deliver, sender=self._parameters.email_sender)
        if self._stage.network:
            deliver.joins(self._stage.network)
        return deliver

    def _deliver_settings(self) -> DeliverSettings:
        return DeliverSettings(
            subscriptions_table=self._tables.subscriptions.table_name,
            deliveries_table=self._tables.deliveries.table_name,
            deliveries_queue_url=self._deliveries.queue.queue_url,
            dead_letter_queue_url=self._deliveries.dead_letters.queue_url,
            secrets_key=self._secrets.key.key_arn,
            retry_schedule=self._stage.retention.retry_schedule,
            allowed_networks=self._parameters.allowed_networks,
            record_retention_days=str(self._stage.retention.records_days),
            email_sender=self._parameters.email_sender,
        )

    def _add_clock(self) -> Worker:
        clock = Worker(
            self,
            "Clock",
            settings=self._clock_settings(),
            stage=self._stage,
            timeout=Duration.seconds(self._stage.clock_timeout_seconds),
            memory_size=256,
        )
        self._schedule_name = clock.wakes_every(Duration.seconds(CLOCK_INTERVAL_SECONDS))
        clock.may(["dynamodb:Query"], on=self._tables.due_index_arn)
        clock.may(["dynamodb:Query"], on=self._tables.held_index_arn)
        clock.may(
            (*FIND_AND_LEASE, *FORGET_A_BREAKER, *LINE_UP), on=self._tables.deliveries.table_arn
        )
        clock.may(["dynamodb:Query"], on=self._tables.unended_index_arn)
        clock.may((*LEASE_A_STALL, *READ_THE_PAST), on=self._tables.pipelines.table_arn)
        clock.may(READ_SUBSCRIPTIONS, on=self._tables.subscriptions.table_arn)
        clock.may_send(self._deliveries.queue)
        clock.may_send(self._events.queue)
        return clock

    def _clock_settings(self) -> ClockSettings:
        return ClockSettings(
            subscriptions_table=self._tables.subscriptions.table_name,
            deliveries_table=self._tables.deliveries.table_name,
            deliveries_queue_url=self._deliveries.queue.queue_url,
            pipelines_table=self._tables.pipelines.table_name,
            events_queue_url=self._events.queue.queue_url,
            stall_thresholds=self._parameters.stall_thresholds,
        )

    def _add_api(self) -> Api:
        return Api(
            self,
            "Operators",
            stage=self._stage,
            parameters=self._parameters,
            tables=self._tables,
            deliveries=self._deliveries,
            secrets=self._secrets,
        )

    def _tell_outputs(self) -> None:
        deployment = Deployment(
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
            api_url=self._api.url,
            email_sender=self._parameters.email_sender,
            event_retention_days=str(self._stage.retention.events_days),
        )
        for name, value in deployment.to_outputs().items():
            CfnOutput(self, name, value=value)
