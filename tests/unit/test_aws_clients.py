"""AWS clients, which are expensive, are made once each and on first use."""

from threading import Lock, Thread

import botocore.session
import pytest
from botocore.config import Config

from lakehook.adapters.aws import Aws


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    services: list[str] = []

    def create(_: object, service: str, **__: object) -> object:
        services.append(service)
        return object()

    monkeypatch.setattr(botocore.session.Session, "create_client", create)
    return services


def test_a_session_makes_one_client_at_a_time(monkeypatch: pytest.MonkeyPatch):
    """The lanes of a batch may need a mail's client and a CA bundle's at once."""
    making, overlaps, threads = Lock(), list[str](), list[Thread]()

    def create(_: object, service: str, **__: object) -> object:
        if not making.acquire(blocking=False):
            overlaps.append(service)
            return object()
        if service == "sesv2":
            threads.append(Thread(target=aws.ssm))
            threads[0].start()
            threads[0].join(0.05)
        making.release()
        return object()

    monkeypatch.setattr(botocore.session.Session, "create_client", create)
    aws = Aws()
    aws.sesv2(Config())
    threads[0].join()

    assert overlaps == []


def test_a_client_is_made_once_and_on_first_use(services: list[str]):
    aws = Aws()
    assert services == []

    assert aws.dynamodb() is aws.dynamodb()
    assert aws.sqs() is aws.sqs()

    assert services == ["dynamodb", "sqs"]
