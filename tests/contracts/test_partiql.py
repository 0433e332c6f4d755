"""What the ledger relies on in a batch of statements."""

from typing import Any

import boto3
import pytest

from lakehook.adapters.dynamodb.items import to_item
from lakehook.adapters.dynamodb.partiql import MAX_STATEMENTS, execute_writes, insert
from lakehook.domain.errors import InfrastructureError
from lakehook.settings import DeliveriesTable as Table
from lakehook.settings import StackOutputs
from local.calls import asked_in


@pytest.fixture
def dynamodb(deployment: StackOutputs) -> Any:
    return boto3.client("dynamodb")


def an_item(number: int, **more: Any) -> dict[str, Any]:
    return to_item({Table.PARTITION_KEY: "sub_a#39", Table.SORT_KEY: str(number), **more})


def test_each_statement_succeeds_or_fails_by_itself(dynamodb: Any, deployment: StackOutputs):
    table = deployment.deliveries_table
    log = [{"at": 1, "湖": 'it\'s "quoted"'}]
    execute_writes(dynamodb, [insert(table, an_item(1, log=log))])

    errors = execute_writes(dynamodb, [insert(table, an_item(number, log=[])) for number in (1, 2)])

    assert [error and error.response["Error"]["Code"] for error in errors] == [
        "DuplicateItem",
        None,
    ]
    kept = [dynamodb.get_item(TableName=table, Key=an_item(number))["Item"] for number in (1, 2)]
    assert kept == [an_item(1, log=log), an_item(2, log=[])]


def test_a_statement_needs_the_permission_of_its_verb():
    statements = [insert("deliveries", an_item(1))]

    asked = set(asked_in("dynamodb", "BatchExecuteStatement", {"Statements": statements}))

    assert asked == {("dynamodb:PartiQLInsert", "deliveries")}


def test_a_table_that_is_not_there_fails_its_statement(dynamodb: Any):
    (error,) = execute_writes(dynamodb, [insert("nowhere", an_item(1))])

    assert error
    assert error.response["Error"]["Code"] == "ResourceNotFound"


def test_a_request_that_is_too_large_fails_as_a_whole(dynamodb: Any, deployment: StackOutputs):
    statements = [
        insert(deployment.deliveries_table, an_item(n)) for n in range(MAX_STATEMENTS + 1)
    ]

    with pytest.raises(InfrastructureError):
        execute_writes(dynamodb, statements)
