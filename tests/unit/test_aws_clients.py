"""A client is dear to make, so there is one of each, and only if it is asked for."""

import botocore.session
import pytest
from botocore.config import Config

from lakehook.adapters.aws import FAIL_FAST_CONFIG, Aws


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


def test_a_page_waits_for_its_charts_no_longer_than_a_caller_that_needs_the_answer(
    monkeypatch: pytest.MonkeyPatch,
):
    given: dict[str, Config] = {}

    def create(_: object, service: str, *, config: Config) -> object:
        given[service] = config
        return object()

    monkeypatch.setattr(botocore.session.Session, "create_client", create)
    Aws().cloudwatch()

    assert given == {"cloudwatch": FAIL_FAST_CONFIG}
