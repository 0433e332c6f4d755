"""Contract of the ingress' ports."""

from typing import Protocol

import boto3
import pytest

from lakehook.adapters.secrets_manager import SecretsManagerNotificationSecret
from lakehook.domain.errors import InfrastructureError, InvalidEvent
from lakehook.domain.event import MAX_EVENT_BYTES, Event
from lakehook.ports.ingress import EventPublisher, LiveSecrets, NotificationSecretReader
from lakehook.producer import Publisher
from lakehook.settings import StackOutputs
from tests.builders import an_event
from tests.fakes import FakeClock
from tests.fakes_ingress import FakeNotificationSecrets, FakePublisher

# --- the notification secret ---


class Store(Protocol):
    def __call__(self, secret: str, *, source: str | None = None) -> None: ...


@pytest.fixture(params=["fake", "secrets manager"])
def stored(
    request: pytest.FixtureRequest, clock: FakeClock
) -> tuple[NotificationSecretReader, Store]:
    if request.param == "fake":
        fake = FakeNotificationSecrets(["first"])

        def keep(secret: str, *, source: str | None = None) -> None:
            if source:
                fake.own[source] = secret
            else:
                fake.stored[:] = [secret, fake.stored[0]]

        return fake, keep
    request.getfixturevalue("deployment")
    secrets_manager = boto3.client("secretsmanager")

    def store(secret: str, *, source: str | None = None) -> None:
        labels = {"VersionStages": [source]} if source else {}
        secrets_manager.put_secret_value(SecretId=arn, SecretString=secret, **labels)
        clock.sleep(10)

    arn = secrets_manager.create_secret(Name="of-the-test", SecretString="first")["ARN"]
    return SecretsManagerNotificationSecret(secrets_manager, arn, clock.now), store


def test_a_secret_is_live_and_so_is_the_one_before_it(
    stored: tuple[NotificationSecretReader, Store],
):
    secrets, store = stored
    assert list(secrets.active().values) == ["first"]

    store("second")
    assert list(secrets.active(fresh=True).values) == ["second", "first"]
    store("third\n")

    assert list(secrets.active(fresh=True).values) == ["third\n", "second"]
    assert list(secrets.active().values) == ["third\n", "second"]


def test_a_source_has_the_secret_of_all_until_it_has_its_own(
    stored: tuple[NotificationSecretReader, Store],
):
    secrets, store = stored
    assert secrets.active("staging") == LiveSecrets(secrets.active().values)

    store("of staging", source="staging")

    own = secrets.active("staging", fresh=True)
    assert (list(own.values), own.are_own) == (["of staging"], True)
    assert list(secrets.active(fresh=True).values) == ["first"]
    assert list(secrets.active("production", fresh=True).values) == ["first"]
    assert "of staging" not in repr(own)

    store("second of staging", source="staging")
    assert list(secrets.active("staging", fresh=True).values) == ["second of staging"]


def test_good_signatures_read_the_secret_rarely_and_bad_ones_not_often(
    deployment: StackOutputs, clock: FakeClock
):
    secrets_manager = boto3.client("secretsmanager")
    arn = deployment.notification_secret_arn
    secrets = SecretsManagerNotificationSecret(secrets_manager, arn, clock.now)
    (first,) = secrets.active().values
    secrets_manager.put_secret_value(SecretId=arn, SecretString="second")

    clock.sleep(9)
    assert secrets.active(fresh=True).values == (first,)
    clock.sleep(1)
    assert secrets.active().values == (first,)
    assert secrets.active(fresh=True).values == ("second", first)
    secrets_manager.put_secret_value(SecretId=arn, SecretString="third")
    clock.sleep(299)
    assert secrets.active().values == ("second", first)
    clock.sleep(1)
    assert secrets.active().values == ("third", "second")
    secrets_manager.put_secret_value(SecretId=arn, SecretString="fourth")
    clock.time -= 3600  # the host's clock is set right
    assert secrets.active(fresh=True).values == ("fourth", "third")
    assert "second" not in repr(secrets)


def test_for_an_hour_without_aws_the_secrets_last_read_are_good(
    deployment: StackOutputs, clock: FakeClock
):
    secrets_manager = boto3.client("secretsmanager")
    arn = deployment.notification_secret_arn
    secrets = SecretsManagerNotificationSecret(secrets_manager, arn, clock.now)
    (first,) = secrets.active().values
    secrets_manager.delete_secret(SecretId=arn, ForceDeleteWithoutRecovery=True)

    clock.sleep(3599)
    assert secrets.active().values == (first,)
    clock.sleep(300)

    for _ in range(2):
        with pytest.raises(InfrastructureError):
            secrets.active()


def test_a_deleted_secret_is_an_infrastructure_error(deployment: StackOutputs, clock: FakeClock):
    secrets = SecretsManagerNotificationSecret(boto3.client("secretsmanager"), "nowhere", clock.now)

    with pytest.raises(InfrastructureError):
        secrets.active()


def test_the_stack_generates_a_secret_that_an_env_file_can_hold(deployment: StackOutputs):
    answer = boto3.client("secretsmanager").get_secret_value(
        SecretId=deployment.notification_secret_arn
    )

    assert len(answer["SecretString"]) == 48
    assert answer["SecretString"].isalnum()


# --- the queue of events ---


@pytest.fixture(params=["fake", "sqs"])
def publisher(request: pytest.FixtureRequest) -> EventPublisher:
    if request.param == "fake":
        return FakePublisher()
    deployment = request.getfixturevalue("deployment")
    return Publisher(deployment.events_queue_url, boto3.client("sqs"))


def test_an_event_that_is_too_large_is_refused(publisher: EventPublisher):
    too_large = Event.from_document(an_event(message="x" * MAX_EVENT_BYTES).document)

    with pytest.raises(InvalidEvent, match="more than 131072"):
        publisher.publish([too_large])
    assert publisher.publish([an_event()]) == 1


def test_a_queue_that_is_away_is_our_own_trouble(deployment: StackOutputs):
    sqs = boto3.client("sqs")
    sqs.delete_queue(QueueUrl=deployment.events_queue_url)
    away = FakePublisher(away=True)

    for publisher in (Publisher(deployment.events_queue_url, sqs), away):
        with pytest.raises(InfrastructureError):
            publisher.publish([an_event()])
