"""Headers for DevLake's API: lines in Secrets Manager, a version of the secret per source."""

from collections.abc import Callable

import boto3
import pytest

from lakehook.adapters.secrets_manager import StoredApiCredentials
from lakehook.domain.errors import InfrastructureError, InvalidInput
from lakehook.ports.ingress import ApiCredentials
from lakehook.settings import StackOutputs
from tests.devlake.port import FakeApiCredentials
from tests.fakes import FakeClock

KEY = {"authorization": "Bearer k1"}

Store = Callable[[str], None]


@pytest.fixture(params=["fake", "secrets manager"])
def credentials_and_store(
    request: pytest.FixtureRequest, clock: FakeClock
) -> tuple[ApiCredentials, Store]:
    if request.param == "fake":
        fake = FakeApiCredentials()

        def store_in_fake(text: str) -> None:
            name, _, value = text.partition(": ")
            fake.stored = {name: value} if value else {}

        return fake, store_in_fake
    request.getfixturevalue("deployment")
    secrets_manager = boto3.client("secretsmanager")
    arn = secrets_manager.create_secret(Name="api-of-the-test", SecretString="-")["ARN"]

    def store(text: str) -> None:
        secrets_manager.put_secret_value(SecretId=arn, SecretString=text)
        clock.sleep(30)

    return StoredApiCredentials(secrets_manager, arn, None, clock.now), store


def test_no_api_credentials_are_read_until_some_are_stored(
    credentials_and_store: tuple[ApiCredentials, Store],
):
    credentials, store = credentials_and_store
    assert credentials.headers() == {}

    store("authorization: Bearer k1")

    assert credentials.headers() == {}
    assert credentials.headers(fresh=True) == KEY
    assert credentials.headers() == KEY


# --- in Secrets Manager alone ---


@pytest.fixture
def arn(deployment: StackOutputs) -> str:
    arn: str = boto3.client("secretsmanager").create_secret(
        Name="api-of-the-test", SecretString="authorization: Bearer k1"
    )["ARN"]
    return arn


def credentials_of(arn: str, clock: FakeClock, source: str | None = None) -> StoredApiCredentials:
    return StoredApiCredentials(boto3.client("secretsmanager"), arn, source, clock.now)


def put(arn: str, text: str, *labels: str) -> None:
    boto3.client("secretsmanager").put_secret_value(
        SecretId=arn, SecretString=text, VersionStages=labels or ["AWSCURRENT"]
    )


def test_aws_is_asked_every_five_minutes_and_not_for_each_refusal(arn: str, clock: FakeClock):
    credentials = credentials_of(arn, clock)
    credentials.headers()
    put(arn, "authorization: Bearer k2")

    clock.sleep(29)
    assert credentials.headers(fresh=True) == KEY
    clock.sleep(1)
    assert credentials.headers() == KEY
    assert credentials.headers(fresh=True) == {"authorization": "Bearer k2"}
    put(arn, "authorization: Bearer k3")
    clock.sleep(299)
    assert credentials.headers() == {"authorization": "Bearer k2"}
    clock.sleep(1)
    assert credentials.headers() == {"authorization": "Bearer k3"}
    put(arn, "authorization: Bearer k4")
    clock.time -= 3600  # the host's clock is set right
    assert credentials.headers() == {"authorization": "Bearer k4"}
    assert "k3" not in repr(credentials)


def test_a_named_source_has_credentials_of_its_own_or_none(arn: str, clock: FakeClock):
    """Credentials of one DevLake are never sent to another."""
    put(arn, "authorization: Bearer of-staging", "staging")

    assert credentials_of(arn, clock).headers() == KEY
    assert credentials_of(arn, clock, "staging").headers() == {"authorization": "Bearer of-staging"}
    assert credentials_of(arn, clock, "other").headers() == {}


@pytest.mark.parametrize("blank_secret", ["-", " -\n", "\n\n"])
def test_a_hyphen_or_blank_lines_are_no_credentials(arn: str, clock: FakeClock, blank_secret: str):
    put(arn, blank_secret)

    assert credentials_of(arn, clock).headers() == {}


def test_several_headers_stand_on_lines_of_their_own(arn: str, clock: FakeClock):
    put(arn, "Authorization: Bearer k1\r\nx-gateway: k2\n\n")

    assert credentials_of(arn, clock).headers() == {**KEY, "x-gateway": "k2"}


def test_a_bad_header_line_is_refused_without_repeating_it(arn: str, clock: FakeClock):
    put(arn, "k1-without-a-name")

    with pytest.raises(
        InvalidInput, match=r"secret for DevLake's API: header: not 'Name"
    ) as refused:
        credentials_of(arn, clock).headers()

    assert "k1" not in str(refused.value)


def test_credentials_once_read_outlast_an_outage_of_aws(arn: str, clock: FakeClock):
    credentials = credentials_of(arn, clock)
    credentials.headers()
    boto3.client("secretsmanager").delete_secret(SecretId=arn, ForceDeleteWithoutRecovery=True)
    clock.sleep(300)

    assert credentials.headers() == KEY
    with pytest.raises(InfrastructureError):
        credentials_of(arn, clock).headers()
