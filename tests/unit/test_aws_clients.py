"""A client is dear to make, so there is one of each, and only if it is asked for."""

import botocore.session
import pytest

from lakehook.adapters.aws import Aws


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    made: list[str] = []

    def create(_: object, service: str, **__: object) -> object:
        made.append(service)
        return object()

    monkeypatch.setattr(botocore.session.Session, "create_client", create)
    return made


def test_a_client_is_made_once_and_not_before_it_is_asked_for(made: list[str]):
    aws = Aws()
    assert made == []

    assert aws.dynamodb() is aws.dynamodb()
    assert aws.sqs() is aws.sqs()

    assert made == ["dynamodb", "sqs"]
