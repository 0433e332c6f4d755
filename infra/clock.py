"""The clock: each minute it wakes lanes, tells of stalls, and goes on with replays."""

from aws_cdk import Duration
from constructs import Construct

from infra.fifo_queue import FifoQueue
from infra.parameters import Parameters
from infra.stage import CLOCK_INTERVAL_SECONDS, Stage
from infra.tables import READ_SUBSCRIPTIONS, READ_THE_PAST, Tables
from infra.worker import Worker
from lakehook.settings import ClockSettings

FIND_AND_LEASE = ("dynamodb:BatchGetItem", "dynamodb:UpdateItem")
FORGET_A_BREAKER = ("dynamodb:GetItem", "dynamodb:DeleteItem")
LINE_UP = ("dynamodb:PutItem", "dynamodb:Query")
COMPARE_WITH_DEVLAKE = ("dynamodb:BatchGetItem",)
LEASE_A_STALL = ("dynamodb:UpdateItem",)  # and write down how far DevLake was read


class Clock(Worker):
    def __init__(  # noqa: PLR0913  all that the function is told
        self,
        scope: Construct,
        id_: str,
        *,
        stage: Stage,
        parameters: Parameters,
        tables: Tables,
        events: FifoQueue,
        deliveries: FifoQueue,
        devlake_api_secret_arn: str,
    ) -> None:
        super().__init__(
            scope,
            id_,
            settings=ClockSettings(
                subscriptions_table=tables.subscriptions.table_name,
                deliveries_table=tables.deliveries.table_name,
                deliveries_queue_url=deliveries.queue.queue_url,
                pipelines_table=tables.pipelines.table_name,
                events_queue_url=events.queue.queue_url,
                stall_thresholds=parameters.stall_thresholds,
                devlake_api_url=parameters.devlake_api_url,
                devlake_ui_url=parameters.devlake_ui_url,
                devlake_sources=parameters.devlake_sources,
                devlake_api_secret_arn=devlake_api_secret_arn,
            ),
            stage=stage,
            timeout=Duration.seconds(stage.clock_timeout_seconds),
            memory_size=256,
        )
        self.schedule_name = self.wakes_every(Duration.seconds(CLOCK_INTERVAL_SECONDS))
        self._grant(tables)
        self.may_send(deliveries.queue)
        self.may_send(events.queue)
        self.may(["secretsmanager:GetSecretValue"], on=devlake_api_secret_arn)
        if stage.network:
            self.joins(stage.network, where=parameters.asks_devlake)

    def _grant(self, tables: Tables) -> None:
        self.may(["dynamodb:Query"], on=tables.due_index_arn)
        self.may(["dynamodb:Query"], on=tables.held_index_arn)
        self.may((*FIND_AND_LEASE, *FORGET_A_BREAKER, *LINE_UP), on=tables.deliveries.table_arn)
        self.may(["dynamodb:Query"], on=tables.unended_index_arn)
        of_pipelines = (*COMPARE_WITH_DEVLAKE, *LEASE_A_STALL, *READ_THE_PAST)
        self.may(of_pipelines, on=tables.pipelines.table_arn)
        self.may(READ_SUBSCRIPTIONS, on=tables.subscriptions.table_arn)
