"""The ingress: a public function URL for DevLake, and the secret that authenticates DevLake."""

from aws_cdk import CfnCondition, Duration, SecretValue
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.constructs.lambda_function import LambdaFunction
from infra.constructs.queues import QueueWithDeadLetters
from infra.constructs.removal import removal_policy
from infra.constructs.tables import OF_DEVLAKE, RECORD_HEARD, Tables
from infra.parameters import Parameters
from infra.stage import Stage
from infra.suppressions import acknowledge_rule
from lakehook.settings import UNSET, IngressSettings

SECRET_LENGTH = 48


class Ingress(Construct):
    def __init__(  # noqa: PLR0913  all settings of the function
        self,
        scope: Construct,
        id_: str,
        *,
        stage: Stage,
        parameters: Parameters,
        tables: Tables,
        events: QueueWithDeadLetters,
    ) -> None:
        super().__init__(scope, id_)
        self.secret_arn = self._secret(stage).secret_arn
        self.api_secret = self._api_secret(stage, where=parameters.asks_devlake)
        """It exists where an API of DevLake is configured only: a secret costs $0.40 a month."""
        self.worker = worker = LambdaFunction(
            self,
            "Ingress",
            settings=self._settings(parameters, tables, events),
            stage=stage,
            timeout=Duration.seconds(stage.ingress_timeout_seconds),
            memory_size=256,
            reserved_concurrent_executions=stage.ingress_concurrency,  # limits a flood
        )
        worker.grant(["secretsmanager:GetSecretValue"], on=self.secret_arn)
        tables.grant_pipelines(worker, *RECORD_HEARD, when=OF_DEVLAKE)
        worker.grant_if(
            parameters.asks_devlake,
            ["secretsmanager:GetSecretValue"],
            on=self.api_secret.secret_arn,
        )
        events.grant_send(worker)
        if stage.network:
            worker.add_to_vpc(stage.network, where=parameters.asks_devlake)
        self.url = worker.add_url(lambda_.FunctionUrlAuthType.NONE)
        self.function = worker.function

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

    def _settings(
        self, parameters: Parameters, tables: Tables, events: QueueWithDeadLetters
    ) -> IngressSettings:
        return IngressSettings(
            events_queue_url=events.queue.queue_url,
            pipelines_table=tables.pipelines.table_name,
            notification_secret_arn=self.secret_arn,
            empty_secret=parameters.empty_secret,
            devlake_api_url=parameters.devlake_api_url,
            devlake_ui_url=parameters.devlake_ui_url,
            devlake_sources=parameters.devlake_sources,
            devlake_api_secret_arn=parameters.if_devlake_is_asked(self.api_secret.secret_arn),
        )
