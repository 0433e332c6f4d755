from dataclasses import dataclass
from typing import Any

import boto3
import pytest

from lakehook.adapters.dynamodb.endpoints import DynamoEndpointHealthStore
from lakehook.adapters.dynamodb.ledger import DynamoLedger
from lakehook.ports.stores import EndpointHealthStore, Ledger
from tests.deployment import deployment, mocked, provisioned
from tests.fakes import FakeClock, FakeEndpointHealthStore, FakeLedger

__all__ = ["deployment", "mocked", "provisioned"]


@dataclass
class LedgerStores:
    """Ledger, and the endpoint health that is read with its lanes and due as they are."""

    ledger: Ledger
    healths: EndpointHealthStore


@pytest.fixture(params=["fake", "dynamodb"])
def stores(request: pytest.FixtureRequest, clock: FakeClock) -> LedgerStores:
    if request.param == "fake":
        healths = FakeEndpointHealthStore()
        return LedgerStores(FakeLedger(clock=clock, healths=healths), healths)
    table = request.getfixturevalue("deployment").deliveries_table
    dynamodb = boto3.client("dynamodb")
    ledger = DynamoLedger(dynamodb, table, clock)
    return LedgerStores(ledger, DynamoEndpointHealthStore(dynamodb, table))


def receive(queue_url: str) -> list[dict[str, Any]]:
    """Receive the messages that are visible now; their groups are locked until they are deleted."""
    answer = boto3.client("sqs").receive_message(
        QueueUrl=queue_url,
        MaxNumberOfMessages=10,
        WaitTimeSeconds=0,
        AttributeNames=["All"],
        MessageAttributeNames=["All"],
    )
    return list(answer.get("Messages", []))  # type: ignore[arg-type]


def drain(queue_url: str) -> list[dict[str, Any]]:
    """Receive and delete every message, in the order in which a consumer gets them."""
    sqs, drained = boto3.client("sqs"), list[dict[str, Any]]()
    while messages := receive(queue_url):
        for message in messages:
            sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
        drained += messages
    return drained


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()
