"""The deliver function: sends each message of the deliveries queue and records the outcome."""

from aws_cdk import Duration, Stack, Token
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.constructs.lambda_function import FINISH_EARLY, LambdaFunction
from infra.constructs.queues import QueueWithDeadLetters
from infra.constructs.secrets_key import SecretsKey
from infra.constructs.tables import READ_SUBSCRIPTIONS, Tables
from infra.parameters import Parameters
from infra.stage import Stage
from infra.suppressions import acknowledge_rule
from lakehook.settings import UNSET, DeliverSettings

SEND_MAIL = ("ses:SendEmail",)

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
READ_CA_BUNDLE = {
    "ssm": "ssm:GetParameter",
    "secretsmanager": "secretsmanager:GetSecretValue",
}

WAKES_ITSELF = lambda_.RecursiveLoop.ALLOW
"""A success at an endpoint that was down resumes the suspended lanes, each once.

Lambda would take that for a loop after 16 steps, and stop it.
https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
"""


def grant_send_mail(worker: LambdaFunction, *, sender: str) -> None:
    """Allow sending as this sender, by any identity of the account: the address or its domain.

    SES also checks the configuration set, if the identity has one. A sender of ``-`` allows
    nothing.
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsimpleemailservicev2.html
    """
    for kind in ("identity", "configuration-set"):
        every = Stack.of(worker).format_arn(service="ses", resource=kind, resource_name="*")
        worker.grant(SEND_MAIL, on=every, when={"StringEquals": {"ses:FromAddress": sender}})
        acknowledge_rule(
            worker.role,
            f"AwsSolutions-IAM5[Resource::{_as_rules_name_it(every, Stack.of(worker))}]",
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


class Deliver(LambdaFunction):
    def __init__(  # noqa: PLR0913  all settings of the function
        self,
        scope: Construct,
        id_: str,
        *,
        stage: Stage,
        parameters: Parameters,
        tables: Tables,
        deliveries: QueueWithDeadLetters,
        secrets: SecretsKey,
    ) -> None:
        self._tables, self._deliveries, self._secrets = tables, deliveries, secrets
        super().__init__(
            scope,
            id_,
            settings=self._settings(stage, parameters),
            stage=stage,
            timeout=Duration.seconds(stage.deliver_timeout_seconds),
            memory_size=512,
            recursive_loop=WAKES_ITSELF,
        )
        self.add_queue_trigger(deliveries.queue, at_once=stage.deliver_concurrency)
        self._grant()
        grant_send_mail(self, sender=parameters.email_sender)
        if stage.ca_bundle_arn and stage.ca_bundle_service:
            self.grant([READ_CA_BUNDLE[stage.ca_bundle_service]], on=stage.ca_bundle_arn)
        if stage.network:
            self.add_to_vpc(stage.network)

    def _settings(self, stage: Stage, parameters: Parameters) -> DeliverSettings:
        return DeliverSettings(
            subscriptions_table=self._tables.subscriptions.table_name,
            deliveries_table=self._tables.deliveries.table_name,
            deliveries_queue_url=self._deliveries.queue.queue_url,
            dead_letter_queue_url=self._deliveries.dead_letters.queue_url,
            secrets_key=self._secrets.key.key_arn,
            retry_schedule=stage.retention.retry_schedule,
            allowed_networks=parameters.allowed_networks,
            visibility_seconds=str(stage.deliver_timeout_seconds),
            record_retention_days=str(stage.retention.records_days),
            email_sender=parameters.email_sender,
            ca_bundle_arn=stage.ca_bundle_arn or UNSET,
        )

    def _grant(self) -> None:
        self.grant(FINISH_EARLY, on=self._deliveries.queue.queue_arn)
        tables = self._tables
        tables.grant_subscriptions(self, *READ_SUBSCRIPTIONS, *DISABLE_SUBSCRIPTIONS)
        tables.grant_deliveries(self, *KEEP_THE_LEDGER)
        tables.grant_query(self, tables.suspended_index_arn)
        self._deliveries.grant_send(self)
        self._deliveries.grant_send_dead_letters(self)
        self._secrets.grant_decrypt(self)
