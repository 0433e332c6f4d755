"""The functions of the stack: what each of them reads, writes and calls, and what invokes it."""

from dataclasses import dataclass, fields
from typing import TypeVar

from aws_cdk import CfnCondition, Duration, SecretValue, Stack, Token
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.constructs import acknowledge_rule, removal_policy
from infra.constructs.lambda_function import FINISH_EARLY, LambdaFunction
from infra.constructs.operators_topic import OperatorsTopic
from infra.constructs.parameters import Parameters
from infra.constructs.queues import QueueWithDeadLetters
from infra.constructs.secrets_key import SecretsKey
from infra.constructs.tables import (
    OF_DEVLAKE,
    READ_SUBSCRIPTIONS,
    READ_THE_PAST,
    RECORD_HEARD,
    Tables,
)
from infra.stage import SCHEDULER_INTERVAL_SECONDS, Stage
from lakehook.settings import (
    UNSET,
    ApiSettings,
    DeliverSettings,
    FanoutSettings,
    IngressSettings,
    SchedulerSettings,
    Settings,
    StackOutputs,
)

NUMBER_EVENTS = (
    "dynamodb:BatchGetItem",
    "dynamodb:BatchWriteItem",
    "dynamodb:PartiQLInsert",
    "dynamodb:PartiQLUpdate",
    "dynamodb:PutItem",
)
READ_BESIDE_EVENTS = ("dynamodb:BatchGetItem", "dynamodb:Scan")

DISABLE_SUBSCRIPTIONS = ("dynamodb:UpdateItem",)
KEEP_THE_LEDGER = (
    "dynamodb:BatchGetItem",
    "dynamodb:DeleteItem",
    "dynamodb:GetItem",
    "dynamodb:PartiQLInsert",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "dynamodb:UpdateItem",
)
READ_CA_BUNDLE = {"ssm": "ssm:GetParameter", "secretsmanager": "secretsmanager:GetSecretValue"}
READ_SECRET = ("secretsmanager:GetSecretValue",)
SEND_MAIL = ("ses:SendEmail",)

FIND_AND_LEASE = ("dynamodb:BatchGetItem", "dynamodb:UpdateItem")
CLOSE_IDLE_BREAKER = ("dynamodb:GetItem", "dynamodb:DeleteItem")
ENQUEUE_REPLAYS = ("dynamodb:PutItem", "dynamodb:Query")
COMPARE_WITH_DEVLAKE = ("dynamodb:BatchGetItem",)
LEASE_A_STALL = ("dynamodb:UpdateItem",)  # and record the progress of reading DevLake

KEEP_SUBSCRIPTIONS = (
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:Scan",
    "dynamodb:UpdateItem",
)
KEEP_LANES = (
    "dynamodb:BatchGetItem",
    "dynamodb:DeleteItem",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "dynamodb:Scan",
    "dynamodb:UpdateItem",
)

SECRET_LENGTH = 48

WAKES_ITSELF = lambda_.RecursiveLoop.ALLOW
"""A success at an endpoint that was down resumes the suspended lanes, each once.

Lambda would take that for a loop after 16 steps, and stop it.
https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
"""

Values = TypeVar("Values", bound=Settings | StackOutputs)


@dataclass(frozen=True, kw_only=True)
class Resources:
    """Resources and parameters that the functions share."""

    stage: Stage
    parameters: Parameters
    tables: Tables
    events: QueueWithDeadLetters
    deliveries: QueueWithDeadLetters
    secrets: SecretsKey
    operators: OperatorsTopic

    def values(self, kind: type[Values], **own: str) -> Values:
        """Build a function's settings, or the outputs, of shared values and of ``own`` ones."""
        tables, parameters = self.tables, self.parameters
        shared = {
            "subscriptions_table": tables.subscriptions.table_name,
            "pipelines_table": tables.pipelines.table_name,
            "deliveries_table": tables.deliveries.table_name,
            "events_queue_url": self.events.queue.queue_url,
            "deliveries_queue_url": self.deliveries.queue.queue_url,
            "dead_letter_queue_url": self.deliveries.dead_letters.queue_url,
            "events_dead_letter_queue_url": self.events.dead_letters.queue_url,
            "secrets_key": self.secrets.key.key_arn,
            "allowed_networks": parameters.allowed_networks,
            "email_sender": parameters.email_sender,
            "devlake_api_url": parameters.devlake_api_url,
            "devlake_ui_url": parameters.devlake_ui_url,
            "devlake_sources": parameters.devlake_sources,
            "event_retention_days": str(self.stage.retention.events_days),
            "operators_topic_arn": self.operators.arn,
            **own,
        }
        names = [field.name for field in fields(kind)]
        return kind(**{name: shared[name] for name in names if name in shared})


class Ingress(Construct):
    """A public function URL for DevLake, and the secrets that it and we authenticate with."""

    def __init__(self, scope: Construct, id_: str, resources: Resources) -> None:
        super().__init__(scope, id_)
        stage, parameters = resources.stage, resources.parameters
        asks_devlake = parameters.asks_devlake
        self.secret_arn = self._secret(stage).secret_arn
        self.api_secret_arn = self._api_secret(stage, where=asks_devlake).secret_arn
        """It exists where an API of DevLake is configured only: a secret costs $0.40 a month."""
        self.worker = worker = LambdaFunction(
            self,
            "Ingress",
            settings=resources.values(
                IngressSettings,
                notification_secret_arn=self.secret_arn,
                empty_secret=parameters.empty_secret,
                devlake_api_secret_arn=parameters.if_devlake_is_asked(self.api_secret_arn),
            ),
            stage=stage,
            timeout=Duration.seconds(stage.ingress_timeout_seconds),
            memory_size=256,
            reserved_concurrent_executions=stage.ingress_concurrency,  # limits a flood
        )
        worker.grant(READ_SECRET, on=self.secret_arn)
        resources.tables.grant_pipelines(worker, *RECORD_HEARD, when=OF_DEVLAKE)
        worker.grant_if(asks_devlake, READ_SECRET, on=self.api_secret_arn)
        resources.events.grant_send(worker)
        if stage.network:
            worker.add_to_vpc(stage.network, where=asks_devlake)
        self.url = worker.add_url(lambda_.FunctionUrlAuthType.NONE)

    def _secret(self, stage: Stage) -> secretsmanager.Secret:
        """Create the secret. Production keeps it after the stack: DevLake still signs with it."""
        secret = secretsmanager.Secret(
            self,
            "Secret",
            description="DevLake's NOTIFICATION_SECRET",
            generate_secret_string=secretsmanager.SecretStringGenerator(
                password_length=SECRET_LENGTH,
                exclude_punctuation=True,  # it is copied into an .env file
            ),
            removal_policy=removal_policy(retain=stage.retain_on_delete),
        )
        acknowledge_rule(
            secret, "AwsSolutions-SMG4", "Rotation must change DevLake's .env, which AWS can't"
        )
        return secret

    def _api_secret(self, stage: Stage, *, where: CfnCondition) -> secretsmanager.Secret:
        """Create the secret without a value; an operator stores the headers for DevLake's API."""
        secret = secretsmanager.Secret(
            self,
            "ApiSecret",
            description="Header lines for DevLake's REST API: authorization: Bearer KEY",
            secret_string_value=SecretValue.unsafe_plain_text(UNSET),
            removal_policy=removal_policy(retain=stage.retain_on_delete),
        )
        resource = secret.node.default_child
        assert isinstance(resource, secretsmanager.CfnSecret)
        resource.cfn_options.condition = where
        acknowledge_rule(
            secret, "AwsSolutions-SMG4", "Rotation starts in DevLake, which creates the API key"
        )
        return secret


class Fanout(LambdaFunction):
    """Numbers each event, and enqueues a delivery for each subscriber."""

    def __init__(self, scope: Construct, id_: str, resources: Resources) -> None:
        stage, events = resources.stage, resources.events
        super().__init__(
            scope,
            id_,
            settings=resources.values(FanoutSettings),
            stage=stage,
            timeout=Duration.seconds(stage.fanout_timeout_seconds),
            memory_size=256,
        )
        self.add_queue_trigger(events.queue, at_once=stage.fanout_concurrency)
        self.grant(FINISH_EARLY, on=events.queue.queue_arn)
        tables = resources.tables
        tables.grant_subscriptions(self, *READ_BESIDE_EVENTS)
        tables.grant_pipelines(self, *NUMBER_EVENTS)
        tables.grant_pipelines(self, *RECORD_HEARD, when=OF_DEVLAKE)
        resources.deliveries.grant_send(self)
        events.grant_send_dead_letters(self)


class Deliver(LambdaFunction):
    """Sends each message of the deliveries queue, and records the outcome."""

    def __init__(self, scope: Construct, id_: str, resources: Resources) -> None:
        stage, deliveries = resources.stage, resources.deliveries
        super().__init__(
            scope,
            id_,
            settings=resources.values(
                DeliverSettings,
                retry_schedule=stage.retention.retry_schedule,
                visibility_seconds=str(stage.deliver_timeout_seconds),
                record_retention_days=str(stage.retention.records_days),
                ca_bundle_arn=stage.ca_bundle_arn or UNSET,
            ),
            stage=stage,
            timeout=Duration.seconds(stage.deliver_timeout_seconds),
            memory_size=512,
            recursive_loop=WAKES_ITSELF,
        )
        self.add_queue_trigger(deliveries.queue, at_once=stage.deliver_concurrency)
        self._grant(resources)
        self._grant_send_mail(sender=resources.parameters.email_sender)
        if stage.ca_bundle_arn and stage.ca_bundle_service:
            self.grant([READ_CA_BUNDLE[stage.ca_bundle_service]], on=stage.ca_bundle_arn)
        if stage.network:
            self.add_to_vpc(stage.network)

    def _grant(self, resources: Resources) -> None:
        tables, deliveries = resources.tables, resources.deliveries
        self.grant(FINISH_EARLY, on=deliveries.queue.queue_arn)
        tables.grant_subscriptions(self, *READ_SUBSCRIPTIONS, *DISABLE_SUBSCRIPTIONS)
        tables.grant_deliveries(self, *KEEP_THE_LEDGER)
        tables.grant_query(self, tables.suspended_index_arn)
        deliveries.grant_send(self)
        deliveries.grant_send_dead_letters(self)
        resources.secrets.grant_decrypt(self)

    def _grant_send_mail(self, *, sender: str) -> None:
        """Allow sending as this sender, by any identity of the account: the address or its domain.

        SES also checks the configuration set, if the identity has one. A sender of ``-`` allows
        nothing.
        https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsimpleemailservicev2.html
        """
        stack = Stack.of(self)
        for kind in ("identity", "configuration-set"):
            every = stack.format_arn(service="ses", resource=kind, resource_name="*")
            self.grant(SEND_MAIL, on=every, when={"StringEquals": {"ses:FromAddress": sender}})
            acknowledge_rule(
                self.role,
                f"AwsSolutions-IAM5[Resource::{_as_rules_name_it(every, stack)}]",
                "The account decides on identity and configuration set; the sender is one address",
            )


def _as_rules_name_it(arn: str, stack: Stack) -> str:
    """Return the ARN as cdk-nag reports it: what is known only on AWS goes by its name."""
    names = {
        "AWS::Partition": stack.partition,
        "AWS::Region": stack.region,
        "AWS::AccountId": stack.account,
    }
    for name, value in names.items():
        if Token.is_unresolved(value):
            arn = arn.replace(value, f"<{name}>")
    return arn


class Scheduler(LambdaFunction):
    """Resumes due lanes, reports stalled pipelines and runs replays, every minute."""

    def __init__(
        self, scope: Construct, id_: str, resources: Resources, *, devlake_secret_arn: str
    ) -> None:
        stage, parameters = resources.stage, resources.parameters
        super().__init__(
            scope,
            id_,
            settings=resources.values(
                SchedulerSettings,
                stall_thresholds=parameters.stall_thresholds,
                devlake_api_secret_arn=parameters.if_devlake_is_asked(devlake_secret_arn),
                stack_name=stage.stack_name,
            ),
            stage=stage,
            timeout=Duration.seconds(stage.scheduler_timeout_seconds),
            memory_size=256,
        )
        self.schedule_name = self.add_schedule(Duration.seconds(SCHEDULER_INTERVAL_SECONDS))
        self._grant(resources)
        self.grant_if(parameters.asks_devlake, READ_SECRET, on=devlake_secret_arn)
        resources.operators.grant_publish(self)
        if stage.network:
            self.add_to_vpc(stage.network, where=parameters.asks_devlake)

    def _grant(self, resources: Resources) -> None:
        tables = resources.tables
        tables.grant_query(
            self,
            tables.due_index_arn,
            tables.held_index_arn,
            tables.suspended_index_arn,
            tables.unended_index_arn,
        )
        tables.grant_deliveries(self, *FIND_AND_LEASE, *CLOSE_IDLE_BREAKER, *ENQUEUE_REPLAYS)
        tables.grant_pipelines(self, *COMPARE_WITH_DEVLAKE, *LEASE_A_STALL, *READ_THE_PAST)
        tables.grant_subscriptions(self, *READ_SUBSCRIPTIONS)
        resources.deliveries.grant_send(self)
        resources.events.grant_send(self)


class HttpApi(Construct):
    """The operations over HTTP: a function URL guarded by IAM."""

    def __init__(self, scope: Construct, id_: str, resources: Resources) -> None:
        super().__init__(scope, id_)
        stage = resources.stage
        self.worker = LambdaFunction(
            self,
            "Api",
            settings=resources.values(ApiSettings),
            stage=stage,
            timeout=Duration.seconds(stage.api_timeout_seconds),
            memory_size=512,  # the libraries for the API's documents take long to load
            reserved_concurrent_executions=stage.api_concurrency,
        )
        self._grant(resources)
        self.url = self.worker.add_url(lambda_.FunctionUrlAuthType.AWS_IAM)

    def _grant(self, resources: Resources) -> None:
        """Grant permissions; the function encrypts secrets, and can't decrypt any."""
        worker, tables = self.worker, resources.tables
        tables.grant_subscriptions(worker, *KEEP_SUBSCRIPTIONS)
        tables.grant_deliveries(worker, *KEEP_LANES)
        tables.grant_pipelines(worker, *READ_THE_PAST)
        tables.grant_query(worker, tables.held_index_arn, tables.unended_index_arn)
        resources.secrets.grant_encrypt(worker)
        resources.deliveries.grant_send(worker)
        resources.deliveries.grant_take_dead_letters(worker)
        resources.events.grant_send(worker)
        resources.events.grant_take_dead_letters(worker, "sqs:GetQueueAttributes")
