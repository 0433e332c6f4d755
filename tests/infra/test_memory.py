"""Tables and keys of the stack, and its outputs."""

from dataclasses import fields

from lakehook.settings import (
    DeliveriesTable,
    PipelinesTable,
    StackOutputs,
    SubscriptionsTable,
    output_name,
)
from tests.infra.blueprint import Blueprint, Json

TABLES = ("SubscriptionsTable", "PipelinesTable", "DeliveriesTable")


def tables(blueprint: Blueprint) -> dict[str, Json]:
    """Properties of the tables by the names of the outputs."""
    return {name: blueprint.resource_of_output(name)["Properties"] for name in TABLES}


def keys_of(table_or_index: Json) -> list[str]:
    return [key["AttributeName"] for key in table_or_index["KeySchema"]]


def test_the_outputs_are_what_the_command_reads(production: Blueprint) -> None:
    outputs = set(production.template["Outputs"])

    assert outputs == {output_name(field.name) for field in fields(StackOutputs)}


def test_the_tables_are_keyed_as_the_adapters_read_them(production: Blueprint) -> None:
    keys = {name: keys_of(table) for name, table in tables(production).items()}

    assert keys == {
        "SubscriptionsTable": [SubscriptionsTable.PARTITION_KEY],
        "PipelinesTable": [PipelinesTable.PARTITION_KEY, PipelinesTable.SORT_KEY],
        "DeliveriesTable": [DeliveriesTable.PARTITION_KEY, DeliveriesTable.SORT_KEY],
    }


def test_the_ledger_has_indexes_of_due_held_and_suspended_lanes(production: Blueprint) -> None:
    ledger = tables(production)["DeliveriesTable"]
    indexes = {index["IndexName"]: index for index in ledger["GlobalSecondaryIndexes"]}
    numbers = {
        attribute["AttributeName"]
        for attribute in ledger["AttributeDefinitions"]
        if attribute["AttributeType"] == "N"
    }

    assert {name: keys_of(index) for name, index in indexes.items()} == {
        DeliveriesTable.DUE_INDEX: [DeliveriesTable.DUE_SHARD, DeliveriesTable.DUE_AT],
        DeliveriesTable.HELD_INDEX: [DeliveriesTable.HELD_BY, DeliveriesTable.HELD_SINCE],
        DeliveriesTable.SUSPENDED_INDEX: [
            DeliveriesTable.SUSPENDED_SUBSCRIPTION,
            DeliveriesTable.HELD_SINCE,
        ],
    }
    assert {name: index["Projection"] for name, index in indexes.items()} == {
        DeliveriesTable.DUE_INDEX: {
            "ProjectionType": "INCLUDE",
            "NonKeyAttributes": [DeliveriesTable.HELD_SINCE],
        },
        DeliveriesTable.HELD_INDEX: {"ProjectionType": "KEYS_ONLY"},
        DeliveriesTable.SUSPENDED_INDEX: {"ProjectionType": "KEYS_ONLY"},
    }
    assert numbers == {DeliveriesTable.DUE_AT, DeliveriesTable.HELD_SINCE}


def test_pipelines_that_have_not_ended_are_found_by_state_and_age(production: Blueprint) -> None:
    (index,) = tables(production)["PipelinesTable"]["GlobalSecondaryIndexes"]

    assert index["IndexName"] == PipelinesTable.ACTIVE_INDEX
    assert keys_of(index) == [PipelinesTable.ACTIVE, PipelinesTable.ENTERED_AT]
    assert index["Projection"] == {"ProjectionType": "ALL"}


def test_records_expire_and_subscriptions_do_not(production: Blueprint) -> None:
    expiring = {
        name: table["TimeToLiveSpecification"]
        for name, table in tables(production).items()
        if "TimeToLiveSpecification" in table
    }

    assert expiring == {
        "PipelinesTable": {"AttributeName": PipelinesTable.TTL, "Enabled": True},
        "DeliveriesTable": {"AttributeName": DeliveriesTable.TTL, "Enabled": True},
    }


def test_production_loses_neither_a_table_nor_a_minute_of_it(production: Blueprint) -> None:
    for table in tables(production).values():
        assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
        assert table["DeletionProtectionEnabled"] is True


def test_the_key_of_the_secrets_rotates_and_is_found_by_the_stack_s_name(
    production: Blueprint,
) -> None:
    (key,) = production.resources("AWS::KMS::Key").values()
    (alias,) = production.resources("AWS::KMS::Alias").values()

    assert key["EnableKeyRotation"] is True
    assert alias["AliasName"] == "alias/Lakehook-secrets"
