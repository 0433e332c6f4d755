"""The cloud of the template in this process, anew for each test."""

import json
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from lakehook.settings import StackOutputs
from local import dynamodb, sqs
from local.provision import provision
from tests.fakes import FakeClock

TEMPLATE = Path(__file__).parents[2] / "local" / "template.json"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def deployment() -> Iterator[StackOutputs]:
    sqs.install()
    dynamodb.install()
    with mock_aws():
        template = json.loads(TEMPLATE.read_text())
        furniture = provision(template, {}, boto3.client)  # type: ignore[arg-type]
        yield StackOutputs.from_outputs(furniture.outputs)
    sqs.uninstall()
