"""AWS clients, which are expensive, are made once each and on first use."""

import botocore.session
import pytest

from lakehook.adapters.aws import Aws


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    services: list[str] = []

    def create(_: object, service: str, **__: object) -> object:
        services.append(service)
        return object()

    monkeypatch.setattr(botocore.session.Session, "create_client", create)
    return services


def test_a_client_is_made_once_and_on_first_use(services: list[str]):
    aws = Aws()
    assert services == []

    assert aws.dynamodb() is aws.dynamodb()
    assert aws.sqs() is aws.sqs()

    assert services == ["dynamodb", "sqs"]
