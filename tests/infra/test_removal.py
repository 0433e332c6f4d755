"""Removal policies: what outlives its stack, and does not block a later deployment."""

from tests.infra.blueprint import Blueprint, Json

A_PERSON_S_TO_DELETE = {
    "AWS::DynamoDB::Table",
    "AWS::KMS::Key",
    "AWS::Logs::LogGroup",
    "AWS::SQS::Queue",
    "AWS::SecretsManager::Secret",
}
NAMES = {"AliasName", "LogGroupName", "Name", "QueueName", "TableName"}


def retained(blueprint: Blueprint) -> list[Json]:
    policies = {"Retain", "RetainExceptOnCreate"}
    return [
        resource
        for resource in blueprint.template["Resources"].values()
        if policies & {resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy")}
    ]


def test_stateful_resources_outlive_production_s_stack(production: Blueprint) -> None:
    stateful = [
        resource
        for resource in production.template["Resources"].values()
        if resource["Type"] in A_PERSON_S_TO_DELETE and "RedrivePolicy" not in str(resource)
    ]

    assert retained(production) == stateful
    assert {resource["UpdateReplacePolicy"] for resource in stateful} == {"Retain"}


def test_resources_of_a_failed_first_deployment_are_deleted(production: Blueprint) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html"""
    types = {
        resource["Type"]
        for resource in retained(production)
        if resource["DeletionPolicy"] == "Retain"
    }

    assert types == {"AWS::DynamoDB::Table"}


def test_resources_with_deletion_protection_are_retained_by_a_rollback(
    production: Blueprint,
) -> None:
    refusing = [
        resource
        for resource in production.template["Resources"].values()
        if resource.get("Properties", {}).get("DeletionProtectionEnabled")
    ]

    assert len(refusing) == 3
    assert {resource["DeletionPolicy"] for resource in refusing} == {"Retain"}


def test_only_queues_are_left_with_a_name_that_the_next_stack_needs(production: Blueprint) -> None:
    """Producers know them by it: docs/deploy.md says how the next stack adopts them."""
    types = [
        resource["Type"]
        for resource in retained(production)
        if NAMES & resource.get("Properties", {}).keys()
    ]

    assert types == ["AWS::SQS::Queue"] * 4


def test_a_rehearsal_leaves_nothing_behind(rehearsal: Blueprint) -> None:
    tables = rehearsal.resources("AWS::DynamoDB::Table").values()

    assert [table["DeletionProtectionEnabled"] for table in tables] == [False] * 3
    assert retained(rehearsal) == []
