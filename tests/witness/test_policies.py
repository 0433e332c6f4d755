"""Others' cloud takes the stack, runs it, and finds its policies enough and not too much."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest

from lakehook.cli.bootstrap import open_service
from lakehook.cli.context import CommandService
from lakehook.producer import Publisher
from local.receiver import Receiver
from tests.e2e.pipelines import CREATED, arrived_sequences, pipeline_events
from tests.e2e.terminal import Terminal
from tests.integration.eventually import eventually
from tests.witness.conftest import STACK

PATIENCE = 60.0


@pytest.fixture
def publisher(outputs: Mapping[str, str]) -> Publisher:
    return Publisher(outputs["EventsQueueUrl"])


@pytest.fixture
def service(outputs: Mapping[str, str]) -> CommandService:
    assert outputs
    return open_service(STACK, print)


@pytest.fixture
def receiver(service: CommandService, capsys: pytest.CaptureFixture[str]) -> Iterator[Receiver]:
    """Receiver whose subscription is removed when the test ends."""
    operator = Terminal(service, capsys)
    with Receiver("one") as receiver:
        add = ("subscriptions", "add", "--name", "one", "--url", receiver.url)
        receiver.secret = operator.json(*add)["secret"]
        yield receiver
    operator.json("subscriptions", "remove", "one")


@contextmanager
def forbidden(role: str, action: str) -> Iterator[None]:
    """Take one action from a role's policies for a while."""
    iam: Any = boto3.client("iam")
    (name,) = [
        role_["RoleName"]
        for role_ in iam.list_roles()["Roles"]
        if f"{STACK}-{role}" in role_["RoleName"]
    ]
    policies = {
        policy: json.dumps(iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"])
        for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]
    }
    action_pattern = re.compile(rf'"{action}(Batch)?"')
    assert any(action_pattern.search(document) for document in policies.values())
    for policy, document in policies.items():
        reduced = action_pattern.sub('"sqs:ListQueues"', document)
        iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=reduced)
    yield
    for policy, document in policies.items():
        iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=document)


def test_events_reach_a_subscriber_in_order_and_by_the_stack_s_own_policies(
    receiver: Receiver, publisher: Publisher, folder: Path
):
    pipelines = [pipeline_events() for _ in range(10)]

    publisher.publish([events[step] for step in range(3) for events in pipelines])

    assert receiver.wait_until_taken(30, within=PATIENCE)
    assert [arrived_sequences(receiver, events) for events in pipelines] == [[1, 2, 3]] * 10
    assert all(arrival.genuine for arrival in receiver.arrivals)
    assert b"AccessDenied" not in (folder / "ministack.log").read_bytes()


@pytest.mark.parametrize(
    ("role", "action"), [("DeliverRole", "kms:Decrypt"), ("FanoutRole", "sqs:SendMessage")]
)
def test_one_permission_less_and_nothing_is_delivered(
    receiver: Receiver, publisher: Publisher, folder: Path, role: str, action: str
):
    log, refused = folder / "ministack.log", f"not authorized to perform: {action}"

    with forbidden(role, action):
        publisher.publish(pipeline_events(CREATED))
        eventually(lambda: refused in log.read_text("utf-8", errors="replace"))

    assert receiver.arrivals == []
