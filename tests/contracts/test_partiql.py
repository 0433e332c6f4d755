"""Contract of a batch of statements, for the ledger and the journal."""

from typing import Any

import boto3
import pytest

from lakehook.adapters.dynamodb.items import PAUSES_SECONDS, to_item
from lakehook.adapters.dynamodb.partiql import (
    MAX_STATEMENTS,
    execute_writes,
    execute_writes_again,
    insert,
    update,
)
from lakehook.domain.errors import InfrastructureError
from lakehook.settings import DeliveriesTable as Table
from lakehook.settings import StackOutputs
from local.calls import asked_in
from tests.fakes import FakeClock


@pytest.fixture
def dynamodb(deployment: StackOutputs) -> Any:
    return boto3.client("dynamodb")


def an_item(number: int, **attributes: Any) -> dict[str, Any]:
    return to_item({Table.PARTITION_KEY: "sub_a#39", Table.SORT_KEY: str(number), **attributes})


def test_each_statement_succeeds_or_fails_by_itself(dynamodb: Any, deployment: StackOutputs):
    table = deployment.deliveries_table
    log = [{"at": 1, "湖": 'it\'s "quoted"'}]
    execute_writes(dynamodb, [insert(table, an_item(1, log=log))])

    errors = execute_writes(dynamodb, [insert(table, an_item(number, log=[])) for number in (1, 2)])

    assert [error and error.response["Error"]["Code"] for error in errors] == [
        "DuplicateItem",
        None,
    ]
    items = [dynamodb.get_item(TableName=table, Key=an_item(number))["Item"] for number in (1, 2)]
    assert items == [an_item(1, log=log), an_item(2, log=[])]


def test_a_statement_needs_the_permission_of_its_verb():
    statements = [insert("deliveries", an_item(1))]

    calls = set(asked_in("dynamodb", "BatchExecuteStatement", {"Statements": statements}))

    assert calls == {("dynamodb:PartiQLInsert", "deliveries")}


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


def test_an_update_sets_and_removes_what_it_names_where_its_condition_holds(
    dynamodb: Any, deployment: StackOutputs
):
    table, values = deployment.deliveries_table, to_item({"v": 2, "new": "z"})
    execute_writes(
        dynamodb,
        [insert(table, an_item(1, v=1, old="x", kept="y")), insert(table, an_item(2, v=3))],
    )

    errors = execute_writes(
        dynamodb,
        [
            update(table, an_item(n), values, removed=["old", "no"], condition=to_item({"v": 1}))
            for n in (1, 2, 3)
        ],
    )

    assert [error and error.response["Error"]["Code"] for error in errors] == [
        None,
        "ConditionalCheckFailed",
        "ConditionalCheckFailed",
    ]
    items = [dynamodb.get_item(TableName=table, Key=an_item(n)).get("Item") for n in (1, 2, 3)]
    assert items == [an_item(1, v=2, kept="y", new="z"), an_item(2, v=3), None]


class Answering:
    """Client that gives these answers, one to each request."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers, self.requests = [*answers], list[Any]()

    def batch_execute_statement(self, *, Statements: Any) -> Any:  # noqa: N803
        self.requests.append([statement["Parameters"] for statement in Statements])
        codes = self.answers.pop(0)
        return {"Responses": [{"Error": {"Code": code}} if code else {} for code in codes]}


def test_statements_refused_by_a_limit_or_a_transaction_are_executed_again_alone():
    client: Any = Answering(
        ["", "TransactionConflict", "DuplicateItem", "ThrottlingError"],
        ["", "InternalServerError"],
        ["ConditionalCheckFailed"],
    )
    statements = [insert("t", an_item(number)) for number in range(4)]

    errors = execute_writes_again(client, statements, FakeClock())

    assert [error and error.response["Error"]["Code"] for error in errors] == [
        None,
        None,
        "DuplicateItem",
        "ConditionalCheckFailed",
    ]
    numbers = [[int(item[1]["S"]) for item in request] for request in client.requests]
    assert numbers == [[0, 1, 2, 3], [1, 3], [3]]


def test_a_conflict_without_end_is_an_error_and_many_writes_are_several_requests():
    successes, conflict = [""] * MAX_STATEMENTS, ["TransactionConflict"]
    client: Any = Answering(successes, *[conflict] * (1 + len(PAUSES_SECONDS)))
    statements = [insert("t", an_item(number)) for number in range(MAX_STATEMENTS + 1)]

    *written, error = execute_writes_again(client, statements, FakeClock())

    assert not any(written)
    assert error
    assert error.response["Error"]["Code"] == "TransactionConflict"
