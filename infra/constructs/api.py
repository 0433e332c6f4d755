"""The HTTP API: a function URL guarded by IAM, and the permissions of the operations."""

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.constructs.lambda_function import LambdaFunction
from infra.constructs.queues import QueueWithDeadLetters
from infra.constructs.secrets_key import SecretsKey
from infra.constructs.tables import READ_THE_PAST, Tables
from infra.parameters import Parameters
from infra.stage import Stage
from lakehook.settings import ApiSettings

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


class HttpApi(Construct):
    def __init__(  # noqa: PLR0913  all settings of the function
        self,
        scope: Construct,
        id_: str,
        *,
        stage: Stage,
        parameters: Parameters,
        tables: Tables,
        events: QueueWithDeadLetters,
        deliveries: QueueWithDeadLetters,
        secrets: SecretsKey,
    ) -> None:
        super().__init__(scope, id_)
        self._tables, self._secrets = tables, secrets
        self._events, self._deliveries = events, deliveries
        self.worker = LambdaFunction(
            self,
            "Api",
            settings=self._settings(stage, parameters),
            stage=stage,
            timeout=Duration.seconds(stage.api_timeout_seconds),
            memory_size=512,  # the libraries for the API's documents take long to load
            reserved_concurrent_executions=stage.api_concurrency,
        )
        self.function = self.worker.function
        self._grant()
        self.url = self.worker.add_url(lambda_.FunctionUrlAuthType.AWS_IAM)

    def _settings(self, stage: Stage, parameters: Parameters) -> ApiSettings:
        return ApiSettings(
            subscriptions_table=self._tables.subscriptions.table_name,
            pipelines_table=self._tables.pipelines.table_name,
            deliveries_table=self._tables.deliveries.table_name,
            events_queue_url=self._events.queue.queue_url,
            deliveries_queue_url=self._deliveries.queue.queue_url,
            dead_letter_queue_url=self._deliveries.dead_letters.queue_url,
            events_dead_letter_queue_url=self._events.dead_letters.queue_url,
            secrets_key=self._secrets.key.key_arn,
            allowed_networks=parameters.allowed_networks,
            email_sender=parameters.email_sender,
            event_retention_days=str(stage.retention.events_days),
        )

    def _grant(self) -> None:
        """Grant permissions; the function encrypts secrets, and can't decrypt any."""
        worker, tables = self.worker, self._tables
        tables.grant_subscriptions(worker, *KEEP_SUBSCRIPTIONS)
        tables.grant_deliveries(worker, *KEEP_LANES)
        tables.grant_pipelines(worker, *READ_THE_PAST)
        tables.grant_query(worker, tables.held_index_arn, tables.unended_index_arn)
        self._secrets.grant_encrypt(worker)
        self._deliveries.grant_send(worker)
        self._deliveries.grant_take_dead_letters(worker)
        self._events.grant_send(worker)
        self._events.grant_take_dead_letters(worker, "sqs:GetQueueAttributes")
