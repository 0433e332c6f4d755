"""The commands of each role ask AWS for no more than docs/deploy.md's policies allow."""

import json
import re
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import boto3
import pytest

from lakehook.adapters.aws import Aws
from lakehook.adapters.dynamodb.ledger import DynamoLedger
from lakehook.cli.bootstrap import service_for_outputs
from lakehook.cli.command import run
from lakehook.domain.lane import DeliveryRecord, HeldLane
from lakehook.domain.replay import ReplayRequest
from lakehook.settings import StackOutputs
from local.calls import asked_in
from tests.builders import a_delivery, a_document
from tests.fakes import NOON, FakeClock
from tests.infra.blueprint import as_list

PAGE = (Path(__file__).parents[2] / "docs" / "deploy.md").read_text(encoding="utf-8")
ROLES = ("looks", "operates", "edits")
POLICIES = dict(
    zip(
        ROLES,
        (json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)),
        strict=True,
    )
)
URL = "https://ci.example/hook"
FILE = f"subscriptions: [{{name: ci, url: {URL}}}, {{name: two, url: {URL}/2}}]"
COMMANDS: dict[str, tuple[str, ...]] = {
    "looks": (
        "subscriptions list",
        "subscriptions show ci",
        "subscriptions export",
        "subscriptions preview ci",
        "subscriptions apply --file FILE --dry-run",
        "dead-letters list",
        "dead-letters show LETTER",
        "lanes list",
        "deliveries list",
        "deliveries show LETTER",
        "pipelines list",
        "replays list",
        "replay --subscription ci --since 2h --dry-run",
    ),
    "operates": (
        "subscriptions pause ci",
        "subscriptions resume ci",
        "subscriptions enable ci",
        "subscriptions test ci --wait 1",
        "events send --file EVENTS",
        "replays stop REPLAY",
        "dead-letters redrive LETTER",
        "dead-letters discard LETTER",
    ),
    "edits": (
        "subscriptions update ci --deadline 5",
        "subscriptions rotate-secret ci",
        "subscriptions add --name x --url https://ci.example/x --header a:b --from-beginning",
        "subscriptions apply --file FILE",
        "subscriptions remove ci --discard-waiting",
    ),
}
Call = tuple[str, str]
"""An action, and the resource as the call names it."""


WARNED_OF = {"looks": {"sqs:ReceiveMessage"}}
"""``dead-letters list`` says that it did not look through the queue, and lists the ledger's."""


class Operator:
    """Runs commands against a deployment, and keeps what they ask AWS for."""

    def __init__(self, deployment: StackOutputs, folder: Path) -> None:
        self.calls: set[Call] = set()
        self.updates: list[str] = []  # expressions
        self._letters = 0
        session = boto3.Session()
        session.events.register("provide-client-params", self._record)
        self._service = service_for_outputs(deployment, Aws(session), print)
        self.deployment, self._folder = deployment, folder
        self.run("subscriptions add --name ci --url https://ci.example/hook")
        self.subscription = self._service.find_subscription("ci").id
        self.calls.clear()
        self.updates.clear()

    def run(self, command: str) -> None:
        words = {
            "FILE": str(self._folder / "subscriptions.yaml"),
            "EVENTS": str(self._folder / "events.jsonl"),
        }
        if "REPLAY" in command:
            words["REPLAY"] = self._replay()
        if "LETTER" in command:
            words["LETTER"] = self._dead_letter()
        arguments = [words.get(word, word) for word in command.split()]
        code = run(arguments, lambda _stack, _warn: self._service)
        assert code in (0, 1), command  # 1: a test that nobody answers

    def _replay(self) -> str:
        """Start a replay that stays open: the command would wait for its end."""
        subscription = self._service.find_subscription("ci")
        criteria = self._service.start_replay.criteria(ReplayRequest(since="2h"))
        return self._service.start_replay(subscription, criteria).replay.id

    def _dead_letter(self) -> str:
        """Write a dead letter past the recorded client, and return its id."""
        self._letters += 1
        delivery = a_delivery(1, subscription=self.subscription, pipeline_id=self._letters)
        table = self.deployment.deliveries_table
        ledger = DynamoLedger(boto3.client("dynamodb"), table, FakeClock())
        lane, record = delivery.lane, DeliveryRecord.waiting(delivery)
        held = HeldLane.held_at(lane, 1, now=NOON)
        ledger.save(record.dead("rejected"), before=None, after=held.with_dead_head())
        return delivery.id

    def _record(self, model: Any, params: Any, **_: Any) -> None:
        service = str(model.service_model.service_name)
        self.calls |= set(asked_in(service, str(model.name), params))
        for item in params.get("TransactItems", ()):
            update = item.get("Update", {})
            if update.get("TableName") == self.deployment.subscriptions_table:
                self.updates.append(
                    update["UpdateExpression"] + " " + update.get("ConditionExpression", "")
                )


def allows(policies: list[Any], call: Call) -> bool:
    action, resource = call
    return any(
        action in as_list(statement["Action"])
        and any(fnmatchcase(resource, f"*{_name(arn)}") for arn in as_list(statement["Resource"]))
        for statement in policies
    )


def _name(arn: str) -> str:
    return arn.rpartition(":")[2].partition("/")[2] or arn.rpartition(":")[2]


@pytest.fixture
def operator(deployment: StackOutputs, tmp_path: Path, monkeypatch: Any) -> Operator:
    monkeypatch.setattr("lakehook.operations.bootstrap.resolve", lambda *_: ["93.184.216.34"])
    (tmp_path / "subscriptions.yaml").write_text(FILE)
    (tmp_path / "events.jsonl").write_text(json.dumps(a_document()))
    return Operator(deployment, tmp_path)


@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_do_what_its_commands_ask_for(operator: Operator, role: str):
    policies = [
        statement for name in ROLES[: ROLES.index(role) + 1] for statement in POLICIES[name]
    ]

    for command in COMMANDS[role]:
        operator.run(command)

    refused = {call[0] for call in operator.calls if not allows(policies, call)}
    assert refused == WARNED_OF.get(role, set())
    if role != "looks":
        lower_policies = [
            statement for name in ROLES[: ROLES.index(role)] for statement in POLICIES[name]
        ]
        assert {call for call in operator.calls if not allows(lower_policies, call)} != set()


def test_the_operating_role_changes_the_state_of_a_subscription_and_nothing_else(
    operator: Operator,
):
    (statement,) = (candidate for candidate in POLICIES["operates"] if "Condition" in candidate)
    allowed = set(statement["Condition"]["ForAllValues:StringEquals"]["dynamodb:Attributes"])

    for command in COMMANDS["operates"]:
        operator.run(command)

    names = {word for text in operator.updates for word in re.findall(r"(?<!:)\b[a-z_]{4,}", text)}
    assert names <= allowed
    assert names >= {"generation", "version", "paused_at"}
    assert ("dynamodb:PutItem", operator.deployment.subscriptions_table) not in operator.calls
