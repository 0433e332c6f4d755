"""Contract of the store of subscriptions, for the functions and the command."""

from dataclasses import replace
from typing import Any

import boto3
import pytest

from lakehook.adapters.dynamodb.items import to_item
from lakehook.adapters.dynamodb.subscriptions import DynamoSubscriptions, subscription_to_item
from lakehook.domain.client_certificate import CertificateFacts, EncryptedClientCertificate
from lakehook.domain.destination import Endpoint
from lakehook.domain.errors import Conflict, NameTaken
from lakehook.domain.event import EventType
from lakehook.domain.signing import EncryptedSecret, SignatureAlgorithm
from lakehook.domain.subscription import Language, Subscription
from lakehook.ports.stores import SubscriptionRepository
from lakehook.settings import StackOutputs
from tests.builders import a_subscription
from tests.fakes import FakeClock, FakeSubscriptions


@pytest.fixture(params=["fake", "dynamodb"])
def store(request: pytest.FixtureRequest, clock: FakeClock) -> SubscriptionRepository:
    if request.param == "fake":
        return FakeSubscriptions()
    deployment = request.getfixturevalue("deployment")
    return DynamoSubscriptions(boto3.client("dynamodb"), deployment.subscriptions_table, clock)


def test_nobody_subscribes_at_first(store: SubscriptionRepository):
    assert store.all() == []
    assert store.find("sub_a") is None


def test_a_name_is_one_subscriptions_until_that_is_removed(store: SubscriptionRepository):
    first = store.save(a_subscription(id="sub_a"), claim_name=True)

    with pytest.raises(NameTaken):
        store.save(a_subscription(id="sub_b"), claim_name=True)

    store.save(first.removed(at=0.0))
    assert store.save(a_subscription(id="sub_b"), claim_name=True).version == 1
    assert len(store.all()) == 2


@pytest.mark.parametrize("earlier_names", [[], ["other"]], ids=["first name", "second name"])
def test_one_of_two_concurrent_claims_of_a_name_succeeds(
    deployment: StackOutputs, clock: FakeClock, earlier_names: list[str]
):
    client = boto3.client("dynamodb")
    store, other_store = (
        DynamoSubscriptions(client, deployment.subscriptions_table, clock) for _ in range(2)
    )
    for name in earlier_names:
        store.save(a_subscription(id=f"sub_{name}", name=name), claim_name=True)
    transact = store._transact

    def transact_after_the_other(actions: list[Any]) -> None:
        store._transact = transact  # type: ignore[method-assign]
        other_store.save(a_subscription(id="sub_b"), claim_name=True)
        transact(actions)

    store._transact = transact_after_the_other  # type: ignore[method-assign]

    with pytest.raises(NameTaken, match="sub_b"):
        store.save(a_subscription(id="sub_a"), claim_name=True)
    ids = [subscription.id for subscription in store.all() if subscription.name == "ci"]
    assert ids == ["sub_b"]


def test_a_subscription_is_read_as_it_was_saved(store: SubscriptionRepository):
    subscription = a_subscription(
        success_if='{"code":[0]}',
        language=Language.CHINESE,
        time_zone="Asia/Shanghai",
        endpoint=replace(
            Endpoint.parse("https://ci.example:8443/hook?key=1"),
            url="https://ci.example:8443/hook?key=…",
        ),
        encrypted_url=b"\x02",
        client_certificate=EncryptedClientCertificate(
            certificates="-----BEGIN CERTIFICATE-----",
            encrypted_key=b"\x03",
            facts=CertificateFacts(
                subject="CN=lakehook", fingerprint="ab", not_before=1, expires_at=2
            ),
            created_at="2026-01-01T12:00:00.000+00:00",
        ),
        event_types=(EventType.PIPELINE_FAILED, EventType.TASK_FAILED),
        deadline_seconds=2.5,
        secrets=(
            EncryptedSecret(
                ciphertext=b"\x00new",
                signing=SignatureAlgorithm.ED25519,
                public="whpk_",
                created_at="2026-01-01T00:00:00Z",
            ),
            EncryptedSecret(ciphertext=b"\xffold", expires_at=1_767_268_800),
        ),
        header_names=("authorization",),
        encrypted_headers=b"\x01",
    )

    saved = store.save(subscription)

    assert saved == replace(subscription, version=1)
    assert store.all() == [saved]
    assert store.find("sub_a") == saved


@pytest.mark.parametrize(
    "state",
    [
        {"paused_at": "2026-01-01T00:00:00Z", "pending_since": "2026-01-01T00:00:00Z"},
        {"disabled_reason": "410"},
        {},
    ],
)
def test_a_state_is_saved_by_itself_and_of_the_version_that_was_read(
    store: SubscriptionRepository, state: dict[str, str]
):
    read = store.save(
        a_subscription(paused_at="2025-01-01T00:00:00Z", disabled_reason="gone", name="ci")
    )
    new = replace(read, paused_at=None, disabled_reason=None, pending_since=None)
    new = replace(new, **state)

    saved = store.save_state(replace(new, name="another"))

    assert saved.version == read.version + 1
    assert store.find("sub_a") == replace(new, version=saved.version)
    with pytest.raises(Conflict):
        store.save_state(new)


def test_a_change_is_in_force_as_soon_as_it_is_saved(store: SubscriptionRepository):
    saved = store.save(a_subscription())
    assert store.find("sub_a")

    store.save(replace(saved, removed_at="2026-01-01T00:00:00Z"))
    store.save(a_subscription(id="sub_b"))

    assert [subscription.id for subscription in store.all() if subscription.removed_at] == ["sub_a"]
    assert len(store.all()) == 2


def test_the_second_of_two_concurrent_changes_of_a_subscription_is_refused(
    store: SubscriptionRepository,
):
    read = store.save(a_subscription())
    removed = store.save(replace(read, removed_at="2026-01-01T00:00:00Z"))

    with pytest.raises(Conflict):
        store.save(replace(read, name="renamed"))

    assert store.find("sub_a") == removed


def test_an_older_change_does_not_enable_a_subscription_disabled_meanwhile(
    store: SubscriptionRepository,
):
    read = store.save(a_subscription())
    store.disable("sub_a", "gone")

    with pytest.raises(Conflict):
        store.save(replace(read, name="renamed"))

    subscription = store.find("sub_a")
    assert subscription
    assert (subscription.name, subscription.disabled_reason) == ("ci", "gone")


def test_a_subscription_of_the_form_before_is_read_with_its_secrets(
    deployment: StackOutputs, clock: FakeClock
):
    dynamodb = boto3.client("dynamodb")
    store = DynamoSubscriptions(dynamodb, deployment.subscriptions_table, clock)
    saved = store.save(a_subscription())
    item = {
        name: value
        for name, value in subscription_to_item(saved).items()
        if name not in ("secrets", "form")
    }
    before = to_item({"form": 1, "signing": "hmac", "sealed_secrets": [b"new", b"old"]})
    dynamodb.put_item(TableName=deployment.subscriptions_table, Item=item | before)

    (read,) = store.all()
    renamed = store.save(replace(read, name="renamed"))

    assert read.secrets == (EncryptedSecret(ciphertext=b"new"), EncryptedSecret(ciphertext=b"old"))
    assert read.signing is SignatureAlgorithm.HMAC
    assert store.find("sub_a") == renamed


class Counting(DynamoSubscriptions):
    """Store that counts its requests to DynamoDB."""

    scans = generations = 0

    def _read_generation(self) -> int:
        self.generations += 1
        return super()._read_generation()

    def _scan(self) -> list[Subscription]:
        self.scans += 1
        return super()._scan()


def test_the_table_is_scanned_only_when_something_has_changed(deployment, clock: FakeClock):  # noqa: ANN001
    store = Counting(boto3.client("dynamodb"), deployment.subscriptions_table, clock)
    store.save(a_subscription())

    for _ in range(3):
        store.all()

    assert (store.generations, store.scans) == (3, 1)


def test_a_reader_that_may_lag_asks_once_in_a_while(deployment, clock: FakeClock):  # noqa: ANN001
    dynamodb = boto3.client("dynamodb")
    writer = DynamoSubscriptions(dynamodb, deployment.subscriptions_table, clock)
    reader = Counting(dynamodb, deployment.subscriptions_table, clock, fresh_for_seconds=5)
    saved = writer.save(a_subscription())
    reader.find("sub_a")
    writer.save(replace(saved, name="renamed"))

    assert (reader.find("sub_a") or a_subscription()).name == "ci"
    clock.sleep(5)
    assert (reader.find("sub_a") or a_subscription()).name == "renamed"
    clock.time -= 3600  # the host's clock is set right
    assert (reader.find("sub_a") or a_subscription()).name == "renamed"
    assert reader.generations == 3


def test_a_reader_that_may_lag_sees_a_change_when_it_asks_anew(deployment, clock: FakeClock):  # noqa: ANN001
    dynamodb = boto3.client("dynamodb")
    writer = DynamoSubscriptions(dynamodb, deployment.subscriptions_table, clock)
    reader = Counting(dynamodb, deployment.subscriptions_table, clock, fresh_for_seconds=5)
    saved = writer.save(a_subscription())
    reader.find("sub_a")
    writer.save(replace(saved, name="renamed"))

    assert (reader.find("sub_a", fresh=True) or a_subscription()).name == "renamed"
    assert reader.generations == 2


def test_a_reader_that_may_lag_still_finds_the_newest_subscription(deployment, clock: FakeClock):  # noqa: ANN001
    dynamodb = boto3.client("dynamodb")
    writer = DynamoSubscriptions(dynamodb, deployment.subscriptions_table, clock)
    reader = DynamoSubscriptions(
        dynamodb, deployment.subscriptions_table, clock, fresh_for_seconds=5
    )
    assert reader.find("sub_a") is None

    saved = writer.save(a_subscription())

    assert reader.find("sub_a") == saved
