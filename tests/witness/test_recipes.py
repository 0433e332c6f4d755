"""The recipes that change an installation do what their words say, by the CDK's own command."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import boto3
import pytest

from tests.witness.conftest import STACK
from tests.witness.make_recipes import BOTH_STAGES, STAGE, MakeRecipes


@pytest.fixture
def fewer_at_once(recipes: MakeRecipes) -> Iterator[None]:
    recipes.write_stages("deliver_concurrency = 7\n")
    yield
    recipes.write_stages()


def resources_of(stack: str) -> set[str]:
    """Return the names of the stack's resources that cost money or hold data."""
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
    recipes: MakeRecipes, outputs: Mapping[str, str]
):
    assert outputs

    result = recipes.run("diff", BOTH_STAGES)

    changed = [line for line in result.output.splitlines() if line.startswith("[")]
    assert len(changed) == 1
    assert "AWS::Lambda::EventSourceMapping Deliver/Function/Queue" in changed[0]
    assert "[-] 10" in result.output
    assert "[+] 7" in result.output


@pytest.mark.usefixtures("outputs")
def test_production_refuses_to_be_deleted(recipes: MakeRecipes):
    before = resources_of("Lakehook")

    result = recipes.destroy("production")

    assert not result.succeeded
    assert "TerminationProtection is enabled" in result.output
    assert resources_of("Lakehook") == before


def test_any_other_stage_is_deleted_without_a_trace(
    recipes: MakeRecipes, outputs: Mapping[str, str]
):
    assert outputs["PipelinesTable"] in resources_of(STACK)

    result = recipes.destroy(STAGE)

    assert result.succeeded, result.output
    assert resources_of(STACK) == set()
