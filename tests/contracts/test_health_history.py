"""The history of health, and what the scheduler keeps for it, by the fake and in DynamoDB."""

import boto3
import pytest

from lakehook.adapters.dynamodb.conditions import DynamoConditionStore, DynamoHealthHistory
from lakehook.domain.health_history import HealthChange, SubscriptionCondition
from lakehook.domain.status import HealthState
from lakehook.ports.stores import HealthHistory
from lakehook.settings import StackOutputs
from tests.fakes import NOON
from tests.fakes_ops import FakeHealthHistory


@pytest.fixture(params=["fake", "dynamodb"])
def history(request: pytest.FixtureRequest) -> HealthHistory:
    if request.param == "fake":
        return FakeHealthHistory()
    deployment = request.getfixturevalue("deployment")
    return DynamoHealthHistory(boto3.client("dynamodb"), deployment.deliveries_table)


def change(at: float, name: str = "sub_a") -> HealthChange:
    return HealthChange(
        at=at, subscription_id=name, before=HealthState.OK, after=HealthState.PAUSED
    )


def test_changes_come_back_in_the_order_of_time_whatever_hour_they_are_of(history: HealthHistory):
    assert history.since(NOON) == []
    older, newer, newest = change(NOON - 3700), change(NOON, "sub_b"), change(NOON + 5000.5)

    history.append([newer, older])
    history.append([newest])

    assert history.since(NOON - 4000) == [older, newer, newest]
    assert history.since(NOON) == [newer, newest]


def test_new_conditions_are_stored_beside_those_of_the_release_before(
    deployment: StackOutputs,
):
    store = DynamoConditionStore(boto3.client("dynamodb"), deployment.deliveries_table)
    slow = SubscriptionCondition(health=HealthState.SLOW)
    other_conditions = {
        "sub_b": SubscriptionCondition(is_down=True),
        "sub_c": SubscriptionCondition(certificate_expires=True),
    }

    store.save(NOON, {"sub_a": slow, **other_conditions})

    looked_at, conditions = store.load()
    assert (looked_at, conditions["sub_a"].health) == (NOON, HealthState.SLOW)
    assert {name: conditions[name] for name in other_conditions} == other_conditions
