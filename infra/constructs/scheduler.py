"""The scheduler: resumes due lanes, reports stalled pipelines and runs replays every minute."""

from aws_cdk import Duration
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.constructs.lambda_function import LambdaFunction
from infra.constructs.operators_topic import OperatorsTopic
from infra.constructs.queues import QueueWithDeadLetters
from infra.constructs.tables import READ_SUBSCRIPTIONS, READ_THE_PAST, Tables
from infra.parameters import Parameters
from infra.stage import SCHEDULER_INTERVAL_SECONDS, Stage
from lakehook.settings import SchedulerSettings

FIND_AND_LEASE = ("dynamodb:BatchGetItem", "dynamodb:UpdateItem")
CLOSE_IDLE_BREAKER = ("dynamodb:GetItem", "dynamodb:DeleteItem")
ENQUEUE_REPLAYS = ("dynamodb:PutItem", "dynamodb:Query")
COMPARE_WITH_DEVLAKE = ("dynamodb:BatchGetItem",)
LEASE_A_STALL = ("dynamodb:UpdateItem",)  # and record the progress of reading DevLake


class Scheduler(LambdaFunction):
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
        devlake_api_secret: secretsmanager.Secret,
        topic: OperatorsTopic,
    ) -> None:
        super().__init__(
            scope,
            id_,
            settings=SchedulerSettings(
                subscriptions_table=tables.subscriptions.table_name,
                deliveries_table=tables.deliveries.table_name,
                deliveries_queue_url=deliveries.queue.queue_url,
                pipelines_table=tables.pipelines.table_name,
                events_queue_url=events.queue.queue_url,
                stall_thresholds=parameters.stall_thresholds,
                devlake_api_url=parameters.devlake_api_url,
                devlake_ui_url=parameters.devlake_ui_url,
                devlake_sources=parameters.devlake_sources,
                devlake_api_secret_arn=parameters.if_devlake_is_asked(
                    devlake_api_secret.secret_arn
                ),
                operators_topic_arn=topic.arn,
                stack_name=stage.stack_name,
            ),
            stage=stage,
            timeout=Duration.seconds(stage.scheduler_timeout_seconds),
            memory_size=256,
        )
        self.schedule_name = self.add_schedule(Duration.seconds(SCHEDULER_INTERVAL_SECONDS))
        self._grant(tables)
        deliveries.grant_send(self)
        events.grant_send(self)
        self.grant_if(
            parameters.asks_devlake,
            ["secretsmanager:GetSecretValue"],
            on=devlake_api_secret.secret_arn,
        )
        topic.grant_publish(self)
        if stage.network:
            self.add_to_vpc(stage.network, where=parameters.asks_devlake)

    def _grant(self, tables: Tables) -> None:
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
