"""The API as Lambda calls it, over the tables and queues of a deployment, and what it logs."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from functions.api import handler as api_function
from lakehook.settings import ApiSettings, StackOutputs
from tests.api_caller import PRINCIPAL, Caller

TERMS = {
    "name": "ci",
    "url": "https://ci.example/hook?token=canary",
    "headers": ["authorization: Bearer canary"],
}


@pytest.fixture
def call(
    deployment: StackOutputs, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[Caller]:
    settings = {name: getattr(deployment, name) for name in ApiSettings.__dataclass_fields__}
    for name, value in ApiSettings(**settings).to_env().items():
        monkeypatch.setenv(name, value)
    # Powertools keeps one logger for each service, with the stdout of the moment it was made.
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", request.node.name)
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Lakehook")
    wired = (api_function.telemetry, api_function.operator_service, api_function.api)
    for one in wired:
        one.cache_clear()
    monkeypatch.setattr(
        "lakehook.operations.bootstrap.resolve", lambda _host, _port: ["93.184.216.34"]
    )
    yield Caller(api_function.lambda_handler)
    for one in wired:
        one.cache_clear()


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_what_is_subscribed_in_one_call_is_there_in_the_next(call: Caller):
    made = call("POST", "/subscriptions", TERMS)
    paused = call("POST", "/subscriptions/ci/pause")
    shown = call("GET", f"/subscriptions/{made.document['subscription_id']}")

    assert (made.status, paused.status, shown.status) == (201, 200, 200)
    assert shown.document["state"] == "paused"
    assert "canary" not in json.dumps([made.document, paused.document, shown.document])


def test_every_list_can_be_read_while_there_is_nothing(call: Caller):
    kinds = ("subscriptions", "deliveries", "lanes", "dead-letters", "pipelines")

    said = {kind: call("GET", f"/{kind}") for kind in kinds}

    assert {kind: one.status for kind, one in said.items()} == dict.fromkeys(kinds, 200)
    assert [one.document[kind.replace("-", "_")] for kind, one in said.items()] == [[]] * 5


def test_each_call_is_one_line_that_tells_who_did_what(
    call: Caller, capsys: pytest.CaptureFixture[str]
):
    call("POST", "/subscriptions", TERMS)
    call("GET", "/subscriptions/nobody?token=canary")

    told = lines(capsys)

    said = [one for one in told if one.get("message") == "api_called"]
    fields = ("method", "path", "principal", "status")
    assert [tuple(one[name] for name in fields) for one in said] == [
        ("POST", "/subscriptions", PRINCIPAL, 201),
        ("GET", "/subscriptions/nobody", PRINCIPAL, 422),
    ]
    counted = [one for one in told if "_aws" in one]
    assert [set(one) & {"ApiRequests", "ApiClientErrors"} for one in counted] == [
        {"ApiRequests"},
        {"ApiClientErrors"},
    ]
    assert "canary" not in json.dumps(told)


def test_another_receiver_is_a_line_of_its_own_that_tells_who_and_shows_no_credential(
    call: Caller, capsys: pytest.CaptureFixture[str]
):
    made = call("POST", "/subscriptions", TERMS)
    for url in ("https://ci.example/hook/2", "https://other.example/in?key=canary"):
        assert call("PATCH", "/subscriptions/ci", {"url": url, "headers": []}).status == 200

    told = lines(capsys)

    (moved,) = [one for one in told if one.get("message") == "endpoint_changed"]
    fields = ("subscription", "subscription_name", "old_url", "new_url", "principal", "level")
    assert [moved[name] for name in fields] == [
        made.document["subscription_id"],
        "ci",
        "https://ci.example/hook/2",
        "https://other.example/in?key=…",
        PRINCIPAL,
        "WARNING",
    ]
    assert "canary" not in json.dumps(told)


def test_what_fails_us_is_counted_and_told_without_what_was_given(
    call: Caller, deployment: StackOutputs, capsys: pytest.CaptureFixture[str], monkeypatch: Any
):
    monkeypatch.setenv("SUBSCRIPTIONS_TABLE", "gone")

    said = call("POST", "/subscriptions", TERMS)

    told = lines(capsys)
    assert (said.status, said.document["error"]) == (503, "infrastructure_error")
    assert [one["message"] for one in told if "message" in one] == ["internal_error", "api_called"]
    assert {
        name for one in told for name in one if name in ("ApiServerErrors", "InternalErrors")
    } == {
        "ApiServerErrors",
        "InternalErrors",
    }
    assert "canary" not in json.dumps([told, said.document])
