"""The template's queues, tables, keys and secrets in this process, empty for each test."""

import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import botocore.session
import moto.kms.models
import pytest
from botocore.loaders import create_loader
from moto import mock_aws
from moto.core.models import MockAWS

from lakehook.settings import StackOutputs
from local import dynamodb, sqs
from local.provision import provision

TEMPLATE = json.loads(
    (Path(__file__).parents[1] / "local" / "template.json").read_text(encoding="utf-8")
)

# Each session would parse the models of the services anew, and each symmetric key gets an RSA key
# from moto that nothing uses: both cost more than the tests' own calls.
botocore.session.create_loader = cache(create_loader)
moto.kms.models.generate_private_key = cache(moto.kms.models.generate_private_key)


class Mocked(NamedTuple):
    mock: MockAWS
    client: Callable[[str], Any]


@pytest.fixture(scope="module")
def mocked() -> Iterator[Mocked]:
    """One mock for the tests of a module: to start it costs more than to empty it."""
    sqs.install()
    dynamodb.install()
    with mock_aws() as mock:
        yield Mocked(mock, cache(boto3.client))
    sqs.uninstall()


@pytest.fixture
def deployment(mocked: Mocked) -> StackOutputs:
    mocked.mock.reset()
    stack = provision(TEMPLATE, {}, mocked.client)
    return StackOutputs.from_outputs(stack.outputs)
