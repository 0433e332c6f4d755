"""The fan-out function: numbers each event and enqueues a delivery for each subscriber."""

from aws_cdk import Duration
from constructs import Construct

from infra.constructs.lambda_function import FINISH_EARLY, LambdaFunction
from infra.constructs.queues import QueueWithDeadLetters
from infra.constructs.tables import OF_DEVLAKE, RECORD_HEARD, Tables
from infra.stage import Stage
from lakehook.settings import FanoutSettings

NUMBER_EVENTS = (
    "dynamodb:BatchGetItem",
    "dynamodb:BatchWriteItem",
    "dynamodb:PartiQLInsert",
    "dynamodb:PartiQLUpdate",
    "dynamodb:PutItem",
)
READ_BESIDE_EVENTS = ("dynamodb:BatchGetItem", "dynamodb:Scan")


class Fanout(LambdaFunction):
    def __init__(  # noqa: PLR0913  what stands on either side of it
        self,
        scope: Construct,
        id_: str,
        *,
        stage: Stage,
        tables: Tables,
        events: QueueWithDeadLetters,
        deliveries: QueueWithDeadLetters,
    ) -> None:
        super().__init__(
            scope,
            id_,
            settings=FanoutSettings(
                subscriptions_table=tables.subscriptions.table_name,
                pipelines_table=tables.pipelines.table_name,
                events_queue_url=events.queue.queue_url,
                deliveries_queue_url=deliveries.queue.queue_url,
                events_dead_letter_queue_url=events.dead_letters.queue_url,
                event_retention_days=str(stage.retention.events_days),
            ),
            stage=stage,
            timeout=Duration.seconds(stage.fanout_timeout_seconds),
            memory_size=256,
        )
        self.add_queue_trigger(events.queue, at_once=stage.fanout_concurrency)
        self.grant(FINISH_EARLY, on=events.queue.queue_arn)
        tables.grant_subscriptions(self, *READ_BESIDE_EVENTS)
        tables.grant_pipelines(self, *NUMBER_EVENTS)
        tables.grant_pipelines(self, *RECORD_HEARD, when=OF_DEVLAKE)
        deliveries.grant_send(self)
        events.grant_send_dead_letters(self)
