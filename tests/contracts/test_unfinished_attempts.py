"""Contract of the store of unfinished attempts, by which fan-out finds an event that crashes it."""

import boto3
import pytest

from lakehook.adapters.dynamodb.fan_out import (
    ATTEMPTS_KEPT_SECONDS,
    DynamoUnfinishedAttempts,
)
from lakehook.ports.queues import UnfinishedAttempts
from lakehook.settings import StackOutputs
from tests.builders import a_notice
from tests.fakes import NOON, FakeClock, FakeUnfinishedAttempts

MESSAGE = a_notice("m1")
OTHER = a_notice("m2")


@pytest.fixture(params=["fake", "dynamodb"])
def attempts(request: pytest.FixtureRequest, clock: FakeClock) -> UnfinishedAttempts:
    if request.param == "fake":
        return FakeUnfinishedAttempts()
    deployment = request.getfixturevalue("deployment")
    return DynamoUnfinishedAttempts(boto3.client("dynamodb"), deployment.pipelines_table, clock)


def test_each_message_has_its_own_count_of_attempts(attempts: UnfinishedAttempts):
    attempts.save(MESSAGE, 1)
    attempts.save(MESSAGE, 2)

    assert attempts.count([MESSAGE, OTHER]) == {MESSAGE: 2, OTHER: 0}


def test_a_number_is_kept_as_long_as_the_queue_may_keep_its_message(
    deployment: StackOutputs, clock: FakeClock
):
    dynamodb = boto3.client("dynamodb")

    DynamoUnfinishedAttempts(dynamodb, deployment.pipelines_table, clock).save(MESSAGE, 1)

    (item,) = dynamodb.scan(TableName=deployment.pipelines_table)["Items"]
    assert int(item["expires_at"]["N"]) == NOON + ATTEMPTS_KEPT_SECONDS
