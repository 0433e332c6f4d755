"""The template's queues, tables, keys and secrets in this process, empty for each test."""

import copyreg
import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import cache
from pathlib import Path
from threading import RLock
from typing import Any, NamedTuple

import boto3
import botocore.session
import moto.kms.models
import pytest
from botocore.loaders import create_loader
from moto import mock_aws
from moto.backends import get_backend
from moto.core.models import MockAWS

from lakehook.settings import StackOutputs
from local import dynamodb, sqs
from local.account import ACCOUNT_ID, REGION
from local.provision import provision

TEMPLATE = json.loads(
    (Path(__file__).parents[1] / "local" / "template.json").read_text(encoding="utf-8")
)

# Each session would parse the models of the services again, and each symmetric key gets an RSA key
# from moto that nothing uses: both cost more than the tests' own calls.
botocore.session.create_loader = cache(create_loader)
moto.kms.models.generate_private_key = cache(moto.kms.models.generate_private_key)


SERVICES = ("dynamodb", "kms", "secretsmanager", "sns", "sqs")


class Mocked(NamedTuple):
    mock: MockAWS
    client: Callable[[str], Any]


@pytest.fixture(scope="module")
def mocked() -> Iterator[Mocked]:
    """A mock for the tests of a module: to start it costs more than to empty it."""
    sqs.install()
    dynamodb.install()
    with mock_aws() as mock:
        yield Mocked(mock, cache(boto3.client))
    sqs.uninstall()


class Provisioned:
    """The resources of the template, as moto has them when they have just been made.

    Each test begins with a copy: to make them again by AWS's calls takes 60 ms, most of some tests.
    """

    def __init__(self, mocked: Mocked) -> None:
        self._mocked = mocked
        self._backends: dict[str, Any] = {}
        self._states: dict[str, dict[str, Any]] = {}

    def restore(self) -> StackOutputs:
        self._mocked.mock.reset()
        if not self._backends:
            self._provision()
        for name, state in self._states.items():
            now = _backend(name)
            vars(now).update(deepcopy(state, {id(self._backends[name]): now}))
        return self._outputs

    def _provision(self) -> None:
        """Provision in the first test, whose environment AWS's clients need."""
        stack = provision(TEMPLATE, {}, self._mocked.client)
        self._outputs = StackOutputs.from_outputs(stack.outputs)
        self._backends = {name: _backend(name) for name in SERVICES}
        self._states = {
            name: deepcopy(vars(backend), {id(backend): backend})
            for name, backend in self._backends.items()
        }


def _backend(service: str) -> Any:
    return get_backend(service)[ACCOUNT_ID][REGION]


copyreg.pickle(type(RLock()), lambda _: "a lock")  # by which deepcopy takes each for its own copy


@pytest.fixture(scope="module")
def provisioned(mocked: Mocked) -> Provisioned:
    return Provisioned(mocked)


@pytest.fixture
def deployment(provisioned: Provisioned) -> StackOutputs:
    return provisioned.restore()
