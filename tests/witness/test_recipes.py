"""The recipes that change an installation do what their words say, by the CDK's own command."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import boto3
import pytest

from tests.witness.conftest import STACK
from tests.witness.house import BOTH, STAGE, House


@pytest.fixture
def fewer_at_once(house: House) -> Iterator[None]:
    house.choose("deliver_concurrency = 7\n")
    yield
    house.choose()


def left_of(stack: str) -> set[str]:
    """What costs money or holds data, of all that has the stack's name."""
    names: list[str] = [
        *_names("sqs", "list_queues", "QueueUrls[]"),
        *_names("dynamodb", "list_tables", "TableNames[]"),
        *_names("lambda", "list_functions", "Functions[].FunctionName"),
        *_names("logs", "describe_log_groups", "logGroups[].logGroupName"),
        *_names("secretsmanager", "list_secrets", "SecretList[].Name"),
    ]
    return {name for name in names if re.search(rf"(^|/){stack}[-/]", name)}


def _names(service: str, question: str, where: str) -> list[str]:
    client: Any = boto3.client(service)  # type: ignore[call-overload]  # any of them
    return list(client.get_paginator(question).paginate().search(where))


@pytest.mark.usefixtures("fewer_at_once")
def test_a_difference_is_the_choice_that_was_made_and_nothing_else(
    house: House, outputs: Mapping[str, str]
):
    assert outputs

    made = house.make("diff", BOTH)

    changed = [line for line in made.said.splitlines() if line.startswith("[")]
    assert len(changed) == 1
    assert "AWS::Lambda::EventSourceMapping Deliver/Function/Queue" in changed[0]
    assert "[-] 10" in made.said
    assert "[+] 7" in made.said


@pytest.mark.usefixtures("outputs")
def test_production_refuses_to_be_deleted(house: House):
    before = left_of("Lakehook")

    made = house.destroy("production")

    assert not made.succeeded
    assert "TerminationProtection is enabled" in made.said
    assert left_of("Lakehook") == before


def test_any_other_stage_is_deleted_without_a_trace(house: House, outputs: Mapping[str, str]):
    assert outputs["PipelinesTable"] in left_of(STACK)

    made = house.destroy(STAGE)

    assert made.succeeded, made.said
    assert left_of(STACK) == set()
