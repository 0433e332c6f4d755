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
    cached_functions = (api_function.telemetry, api_function.operator_service, api_function.api)
    for cached in cached_functions:
        cached.cache_clear()
    monkeypatch.setattr(
        "lakehook.operations.bootstrap.resolve", lambda _host, _port: ["93.184.216.34"]
    )
    yield Caller(api_function.lambda_handler)
    for cached in cached_functions:
        cached.cache_clear()


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_subscription_of_one_call_is_found_by_the_next(call: Caller):
    created = call("POST", "/subscriptions", TERMS)
    paused = call("POST", "/subscriptions/ci/pause")
    shown = call("GET", f"/subscriptions/{created.document['subscription_id']}")

    assert (created.status, paused.status, shown.status) == (201, 200, 200)
    assert shown.document["state"] == "paused"
    assert "canary" not in json.dumps([created.document, paused.document, shown.document])


def test_every_list_can_be_read_while_there_is_nothing(call: Caller):
    kinds = ("subscriptions", "deliveries", "lanes", "dead-letters", "pipelines")

    responses = {kind: call("GET", f"/{kind}") for kind in kinds}

    assert {kind: response.status for kind, response in responses.items()} == dict.fromkeys(
        kinds, 200
    )
    assert [response.document[kind.replace("-", "_")] for kind, response in responses.items()] == [
        []
    ] * 5


def test_each_call_is_one_line_that_tells_who_did_what(
    call: Caller, capsys: pytest.CaptureFixture[str]
):
    call("POST", "/subscriptions", TERMS)
    call("GET", "/subscriptions/nobody?token=canary")

    logged = lines(capsys)

    calls = [line for line in logged if line.get("message") == "api_called"]
    fields = ("method", "path", "principal", "status")
    assert [tuple(line[name] for name in fields) for line in calls] == [
        ("POST", "/subscriptions", PRINCIPAL, 201),
        ("GET", "/subscriptions/nobody", PRINCIPAL, 422),
    ]
    metrics = [line for line in logged if "_aws" in line]
    assert [set(line) & {"ApiRequests", "ApiClientErrors"} for line in metrics] == [
        {"ApiRequests"},
        {"ApiClientErrors"},
    ]
    assert "canary" not in json.dumps(logged)


def test_a_changed_endpoint_is_logged_with_its_principal_and_without_credentials(
    call: Caller, capsys: pytest.CaptureFixture[str]
):
    created = call("POST", "/subscriptions", TERMS)
    for url in ("https://ci.example/hook/2", "https://other.example/in?key=canary"):
        assert call("PATCH", "/subscriptions/ci", {"url": url, "headers": []}).status == 200

    logged = lines(capsys)

    (change,) = [line for line in logged if line.get("message") == "endpoint_changed"]
    fields = ("subscription", "subscription_name", "old_url", "new_url", "principal", "level")
    assert [change[name] for name in fields] == [
        created.document["subscription_id"],
        "ci",
        "https://ci.example/hook/2",
        "https://other.example/in?key=…",
        PRINCIPAL,
        "WARNING",
    ]
    assert "canary" not in json.dumps(logged)


def test_an_internal_error_is_counted_and_logged_without_the_input(
    call: Caller, deployment: StackOutputs, capsys: pytest.CaptureFixture[str], monkeypatch: Any
):
    monkeypatch.setenv("SUBSCRIPTIONS_TABLE", "gone")

    response = call("POST", "/subscriptions", TERMS)

    logged = lines(capsys)
    assert (response.status, response.document["error"]) == (503, "infrastructure_error")
    assert [line["message"] for line in logged if "message" in line] == [
        "internal_error",
        "api_called",
    ]
    assert {
        name for line in logged for name in line if name in ("ApiServerErrors", "InternalErrors")
    } == {
        "ApiServerErrors",
        "InternalErrors",
    }
    assert "canary" not in json.dumps([logged, response.document])
