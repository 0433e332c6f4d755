"""Others' cloud takes the stack, runs it, and finds its policies enough and not too much."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest

from lakehook.producer import PipelineEventPublisher
from local.receiver import Receiver
from ops.desk import Desk
from ops.wiring import desk_of_stack
from tests.e2e.pipelines import CREATED, a_life, heard
from tests.e2e.terminal import Terminal
from tests.integration.eventually import eventually
from tests.witness.cloud import COMMAND, STACK, deploy, serving

PATIENCE = 60.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not COMMAND.exists():
        pytest.skip("the witness has an environment of its own, which `make witness` makes")
    return tmp_path_factory.mktemp("witness")


@pytest.fixture(scope="module")
def access(folder: Path) -> Iterator[Mapping[str, str]]:
    with serving(folder) as access:
        yield access


@pytest.fixture(scope="module")
def outputs(folder: Path, access: Mapping[str, str]) -> Mapping[str, str]:
    return deploy(folder, access, AllowedNetworks="127.0.0.0/8")


@pytest.fixture(autouse=True)
def _the_witness_is_aws(
    access: Mapping[str, str], monkeypatch: pytest.MonkeyPatch, outputs: Mapping[str, str]
) -> None:
    for name, value in access.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def desk() -> Desk:
    return desk_of_stack(STACK, print)


@pytest.fixture
def receiver(desk: Desk, capsys: pytest.CaptureFixture[str]) -> Iterator[Receiver]:
    with Receiver("one") as receiver:
        add = ("subscriptions", "add", "--name", "one", "--url", receiver.url)
        receiver.secret = Terminal(desk, capsys).json(*add)["secret"]
        yield receiver


@pytest.fixture
def publisher(outputs: Mapping[str, str]) -> PipelineEventPublisher:
    return PipelineEventPublisher(outputs["EventsQueueUrl"])


def forbid(role: str, action: str) -> None:
    """Take one action out of all that a role's policies allow."""
    iam: Any = boto3.client("iam")
    (name,) = [
        one["RoleName"] for one in iam.list_roles()["Roles"] if f"{STACK}-{role}" in one["RoleName"]
    ]
    for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        document = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
        left = re.sub(rf'"{action}(Batch)?"', '"sqs:ListQueues"', json.dumps(document))
        iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=left)


def test_events_reach_a_subscriber_in_order_and_by_the_stack_s_own_policies(
    receiver: Receiver, publisher: PipelineEventPublisher, folder: Path
):
    lives = [a_life() for _ in range(10)]

    publisher.publish([life[step] for step in range(3) for life in lives])

    assert receiver.wait_until_taken(30, within=PATIENCE)
    assert [heard(receiver, life) for life in lives] == [[1, 2, 3]] * 10
    assert all(arrival.genuine for arrival in receiver.arrivals)
    assert b"AccessDenied" not in (folder / "ministack.log").read_bytes()


@pytest.mark.parametrize(
    ("role", "action"), [("DeliverRole", "kms:Decrypt"), ("FanoutRole", "sqs:SendMessage")]
)
def test_one_permission_less_and_nothing_is_delivered(
    receiver: Receiver, publisher: PipelineEventPublisher, folder: Path, role: str, action: str
):
    forbid(role, action)
    log = folder / "ministack.log"

    publisher.publish(a_life(CREATED))

    refused = f"not authorized to perform: {action}"
    eventually(lambda: refused in log.read_text("utf-8", errors="replace"))
    assert receiver.arrivals == []
