"""Store of a stage's certificate authorities: a parameter, or a secret."""

from collections.abc import Callable

import boto3
import pytest

from lakehook.adapters.aws import Aws
from lakehook.adapters.secrets_manager import StoredCaBundle
from lakehook.domain.errors import InfrastructureError
from tests.deployment import Mocked

Store = Callable[[str], str]
PEM = "-----BEGIN CERTIFICATE-----"


@pytest.fixture(params=["ssm", "secretsmanager"])
def store(request: pytest.FixtureRequest, mocked: Mocked) -> Store:
    mocked.mock.reset()

    def in_ssm(text: str) -> str:
        ssm = boto3.client("ssm")
        ssm.put_parameter(Name="/lakehook/ca", Value=text, Type="String", Overwrite=True)
        return str(ssm.get_parameter(Name="/lakehook/ca")["Parameter"]["ARN"])

    def in_secrets_manager(text: str) -> str:
        return str(
            boto3.client("secretsmanager").create_secret(Name="ca", SecretString=text)["ARN"]
        )

    return in_ssm if request.param == "ssm" else in_secrets_manager


def test_a_ca_bundle_is_read_by_its_arn(store: Store):
    aws = Aws()

    assert StoredCaBundle(store(PEM), aws.ssm, aws.secrets_manager)() == PEM


def test_a_missing_ca_bundle_is_an_infrastructure_error(store: Store):
    aws, arn = Aws(), store(PEM)

    with pytest.raises(InfrastructureError, match="NotFound"):
        StoredCaBundle(arn.replace("ca", "no"), aws.ssm, aws.secrets_manager)()
