"""What DevLake's API is asked with: header lines in Secrets Manager, a version for each source."""

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
def stored(request: pytest.FixtureRequest, clock: FakeClock) -> tuple[ApiCredentials, Store]:
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


def test_there_are_none_until_some_are_stored(stored: tuple[ApiCredentials, Store]):
    credentials, store = stored
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
    """What lets us into one DevLake is never sent to another."""
    put(arn, "authorization: Bearer of-staging", "staging")

    assert credentials_of(arn, clock).headers() == KEY
    assert credentials_of(arn, clock, "staging").headers() == {"authorization": "Bearer of-staging"}
    assert credentials_of(arn, clock, "other").headers() == {}


@pytest.mark.parametrize("nothing", ["-", " -\n", "\n\n"])
def test_a_hyphen_or_blank_lines_are_none(arn: str, clock: FakeClock, nothing: str):
    put(arn, nothing)

    assert credentials_of(arn, clock).headers() == {}


def test_several_headers_stand_on_lines_of_their_own(arn: str, clock: FakeClock):
    put(arn, "Authorization: Bearer k1\r\nx-gateway: k2\n\n")

    assert credentials_of(arn, clock).headers() == {**KEY, "x-gateway": "k2"}


def test_what_is_no_header_is_bad_input_that_does_not_repeat_it(arn: str, clock: FakeClock):
    put(arn, "k1-without-a-name")

    with pytest.raises(
        InvalidInput, match=r"secret for DevLake's API: header: not 'Name"
    ) as refused:
        credentials_of(arn, clock).headers()

    assert "k1" not in str(refused.value)


def test_what_was_read_stays_good_while_aws_is_away_and_before_that_is_our_trouble(
    arn: str, clock: FakeClock
):
    credentials = credentials_of(arn, clock)
    credentials.headers()
    boto3.client("secretsmanager").delete_secret(SecretId=arn, ForceDeleteWithoutRecovery=True)
    clock.sleep(300)

    assert credentials.headers() == KEY
    with pytest.raises(InfrastructureError):
        credentials_of(arn, clock).headers()
