"""The DynamoDB tables: subscriptions, pipelines and the ledger of deliveries."""

from collections.abc import Mapping
from typing import Any

from aws_cdk import RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

from infra.constructs import acknowledge_rule
from infra.constructs.lambda_function import LambdaFunction
from lakehook.settings import DeliveriesTable, PipelinesTable, SubscriptionsTable

READ_SUBSCRIPTIONS = ("dynamodb:GetItem", "dynamodb:Scan")
RECORD_HEARD = ("dynamodb:UpdateItem",)
OF_DEVLAKE = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": [f"{PipelinesTable.DEVLAKE}*"]}}
"""Restricts access to the journal to the records about each DevLake.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
"""
READ_THE_PAST = ("dynamodb:Query", "dynamodb:Scan")


class Tables(Construct):
    """The tables. In production they outlive the stack: only a person deletes data.

    This includes a first deployment that rolls back, which could not delete a protected table.
    """

    def __init__(self, scope: Construct, id_: str, *, retain: bool) -> None:
        super().__init__(scope, id_)
        self._retain = retain
        if not retain:
            acknowledge_rule(self, "AwsSolutions-DDB3", "Non-production stages have no backups")
        self.subscriptions = self._table(
            "Subscriptions", partition_key=_text(SubscriptionsTable.PARTITION_KEY)
        )
        self.pipelines = self._journal()
        self.unended_index_arn = f"{self.pipelines.table_arn}/index/{PipelinesTable.ACTIVE_INDEX}"
        self.deliveries = self._ledger()
        self.due_index_arn = self._index_arn(DeliveriesTable.DUE_INDEX)
        self.held_index_arn = self._index_arn(DeliveriesTable.HELD_INDEX)
        self.suspended_index_arn = self._index_arn(DeliveriesTable.SUSPENDED_INDEX)

    def grant_subscriptions(self, worker: LambdaFunction, *actions: str) -> None:
        worker.grant(actions, on=self.subscriptions.table_arn)

    def grant_pipelines(
        self, worker: LambdaFunction, *actions: str, when: Mapping[str, Any] | None = None
    ) -> None:
        worker.grant(actions, on=self.pipelines.table_arn, when=when)

    def grant_deliveries(self, worker: LambdaFunction, *actions: str) -> None:
        worker.grant(actions, on=self.deliveries.table_arn)

    def grant_query(self, worker: LambdaFunction, *index_arns: str) -> None:
        for arn in index_arns:
            worker.grant(["dynamodb:Query"], on=arn)

    def _journal(self) -> dynamodb.Table:
        table = self._table(
            "Pipelines",
            partition_key=_text(PipelinesTable.PARTITION_KEY),
            sort_key=_text(PipelinesTable.SORT_KEY),
            time_to_live_attribute=PipelinesTable.TTL,
        )
        table.add_global_secondary_index(
            index_name=PipelinesTable.ACTIVE_INDEX,
            partition_key=_text(PipelinesTable.ACTIVE),
            sort_key=_number(PipelinesTable.ENTERED_AT),
            projection_type=dynamodb.ProjectionType.ALL,
        )
        return table

    def _index_arn(self, name: str) -> str:
        return f"{self.deliveries.table_arn}/index/{name}"

    def _ledger(self) -> dynamodb.Table:
        table = self._table(
            "Deliveries",
            partition_key=_text(DeliveriesTable.PARTITION_KEY),
            sort_key=_text(DeliveriesTable.SORT_KEY),
            time_to_live_attribute=DeliveriesTable.TTL,
        )
        table.add_global_secondary_index(
            index_name=DeliveriesTable.DUE_INDEX,
            partition_key=_text(DeliveriesTable.DUE_SHARD),
            sort_key=_number(DeliveriesTable.DUE_AT),
            projection_type=dynamodb.ProjectionType.INCLUDE,
            non_key_attributes=[DeliveriesTable.HELD_SINCE],
        )
        for name, subscription in (
            (DeliveriesTable.HELD_INDEX, DeliveriesTable.HELD_BY),
            (DeliveriesTable.SUSPENDED_INDEX, DeliveriesTable.SUSPENDED_SUBSCRIPTION),
        ):
            table.add_global_secondary_index(
                index_name=name,
                partition_key=_text(subscription),
                sort_key=_number(DeliveriesTable.HELD_SINCE),
                projection_type=dynamodb.ProjectionType.KEYS_ONLY,
            )
        return table

    def _table(self, id_: str, **properties: Any) -> dynamodb.Table:
        return dynamodb.Table(
            self,
            id_,
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=self._retain
            ),
            deletion_protection=self._retain,
            removal_policy=RemovalPolicy.RETAIN if self._retain else RemovalPolicy.DESTROY,
            **properties,
        )


def _text(name: str) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)


def _number(name: str) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.NUMBER)
