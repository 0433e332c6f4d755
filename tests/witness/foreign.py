"""Plugin of pytest: contract tests against the implementation that ``--store`` names.

It is empty for each test. Moto keeps the services that it lacks.
"""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from tests.witness.deviations import DEVIATIONS, Deviation
from tests.witness.stores import STORES, free_port, running

CLEARED = {
    "sqs": ("list_queues", "QueueUrls[]", "delete_queue", "QueueUrl"),
    "dynamodb": ("list_tables", "TableNames[]", "delete_table", "TableName"),
}

ACCESS = {
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "anyone",
    "AWS_SECRET_ACCESS_KEY": "anything",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--store", choices=sorted(STORES), required=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what asks a fake, and expect each named deviation: one that ends is an error."""
    items[:] = [item for item in items if "fake" not in item.name]
    for item in items:
        for deviation in DEVIATIONS:
            item_names = {item.name, item.name.partition("[")[2].removesuffix("]")}
            if config.option.store == deviation.store and item_names & {*deviation.tests}:
                item.add_marker(_expected(deviation))


def _expected(deviation: Deviation) -> pytest.MarkDecorator:
    return pytest.mark.xfail(reason=deviation.behaviour, strict=deviation.always)


@pytest.fixture(scope="session")
def _served(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    name, port = request.config.option.store, free_port()
    folder = tmp_path_factory.mktemp(name)
    command = STORES[name].command(folder, port)
    with running(command, folder / "log", port), pytest.MonkeyPatch.context() as environment:
        for variable, value in ACCESS.items():
            environment.setenv(variable, value)
        for service in STORES[name].services:
            environment.setenv(f"AWS_ENDPOINT_URL_{service.upper()}", f"http://127.0.0.1:{port}")
        yield


@pytest.fixture(autouse=True)
def _cleared(request: pytest.FixtureRequest, _served: None) -> None:
    for service in STORES[request.config.option.store].services:
        names, where, delete, argument = CLEARED[service]
        client: Any = boto3.client(service)  # type: ignore[call-overload]  # one of the two
        for name in filter(None, client.get_paginator(names).paginate().search(where)):
            getattr(client, delete)(**{argument: name})
