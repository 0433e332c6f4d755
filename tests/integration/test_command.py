"""The command on the cloud of the template: every table, queue and key is the real one's model."""

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest

from lakehook.adapters.aws import Aws
from lakehook.adapters.dynamodb.subscriptions import DynamoSubscriptions
from lakehook.adapters.kms import KmsCredentialStore
from lakehook.cli.bootstrap import service_for_outputs
from lakehook.cli.command import run
from lakehook.cli.context import CommandService
from lakehook.domain.signing import HmacSecret
from lakehook.ports.outbound import Warn
from lakehook.settings import StackOutputs
from tests.fakes import FakeClock

URL = "https://93.184.216.34/hook"  # an address is its own answer: no resolver is asked


class Terminal:
    """Runs the command, and keeps all its output."""

    def __init__(self, deployment: StackOutputs, capsys: pytest.CaptureFixture[str]) -> None:
        self._deployment, self._capsys = deployment, capsys
        self.outputs: list[str] = []

    def __call__(self, *arguments: str) -> int:
        code = run(arguments, self._open)
        self.outputs += self._capsys.readouterr()
        return code

    def json(self, *arguments: str) -> Any:
        assert self(*arguments, "--output", "json") == 0, self.outputs[-1]
        return json.loads(self.outputs[-2])

    def _open(self, _stack: str, warn: Warn) -> CommandService:
        return service_for_outputs(self._deployment, Aws(), warn)


@pytest.fixture
def terminal(deployment: StackOutputs, capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(deployment, capsys)


def add(terminal: Terminal, *options: str, url: str = URL) -> Any:
    return terminal.json("subscriptions", "add", "--name", "ci", "--url", url, *options)


def test_a_subscription_lives_from_add_to_remove(terminal: Terminal) -> None:
    added = add(terminal, "--header", "x-team: lake", "--event-type", "PIPELINE_FAILED")
    del added["secret"], added["replay_id"]
    added["health"] = "ok"

    assert terminal.json("subscriptions", "list") == [added]
    changed = terminal.json("subscriptions", "update", "ci", "--name", "builds", "--no-headers")
    subscription = terminal.json("subscriptions", "show", added["subscription_id"])
    removed = terminal.json("subscriptions", "remove", "builds")

    assert subscription.items() >= {**changed, "health": "ok"}.items()
    assert subscription.items() >= {**added, "name": "builds", "headers": []}.items()
    assert removed["subscription_id"] == added["subscription_id"]
    assert terminal.json("subscriptions", "list") == []
    assert terminal("subscriptions", "show", "builds") == 3
    assert terminal.json("subscriptions", "show", added["subscription_id"])["state"] == "removed"


def test_the_sender_decrypts_secrets_that_the_command_encrypted(
    terminal: Terminal, deployment: StackOutputs
) -> None:
    added = add(terminal, "--header", "authorization: Bearer top-secret")

    store = DynamoSubscriptions(
        boto3.client("dynamodb"), deployment.subscriptions_table, FakeClock()
    )
    (subscription,) = store.all()
    keys = KmsCredentialStore(boto3.client("kms"), deployment.secrets_key, FakeClock()).load(
        subscription
    )

    assert [secret.reveal() for secret in keys.secrets] == [added["secret"]]
    assert keys.headers == {"authorization": "Bearer top-secret"}


def test_secrets_are_printed_once_and_nowhere_stored_in_clear(
    terminal: Terminal, deployment: StackOutputs
) -> None:
    added = add(
        terminal, "--header", "authorization: Bearer top-secret", url=f"{URL}?token=in-the-url"
    )
    key = HmacSecret.parse(added["secret"]).key
    first_output = "".join(terminal.outputs)
    terminal.outputs.clear()

    for form in ("text", "json"):
        for command in (("list",), ("show", "ci"), ("update", "ci", "--deadline", "5")):
            assert terminal("subscriptions", *command, "--output", form) == 0
    terminal("subscriptions", "update", "ci", "--header", "authorization: top-secret\r\nx: y")

    later_output, stored = "".join(terminal.outputs), everything_in(deployment)
    assert first_output.count(added["secret"]) == 1
    assert added["secret"] not in later_output
    for output in (first_output, later_output):
        assert "top-secret" not in output
        assert "in-the-url" not in output
    for sensitive in (key, base64.b64encode(key), key.hex().encode(), b"top-secret", b"in-the-url"):
        assert sensitive not in stored


def everything_in(deployment: StackOutputs) -> bytes:
    """Contents of the three tables as bytes; the mark shows that they were read."""
    dynamodb = boto3.client("dynamodb")
    tables = (
        deployment.subscriptions_table,
        deployment.pipelines_table,
        deployment.deliveries_table,
    )
    items = [item for table in tables for item in dynamodb.scan(TableName=table)["Items"]]
    held = b"\n".join(_leaves(items))
    assert b"authorization" in held
    return held


def _leaves(value: Any) -> Iterator[bytes]:
    match value:
        case dict():
            for item in value.values():
                yield from _leaves(item)
        case list():
            for item in value:
                yield from _leaves(item)
        case bytes():
            yield value
        case _:
            yield str(value).encode()


def test_an_invalid_allowed_network_stops_no_command(
    deployment: StackOutputs, capsys: pytest.CaptureFixture[str]
) -> None:
    networks = "10.0.0.0/33,127.0.0.1/8"
    terminal = Terminal(replace(deployment, allowed_networks=networks), capsys)

    added = add(terminal, url="http://127.0.0.1:9/")

    assert added["url"] == "http://127.0.0.1:9/"
    assert json.loads(terminal.outputs[-1])["message"] == (
        "AllowedNetworks: not a network, so it allows nothing: '10.0.0.0/33'"
    )
