"""``docs/openapi.json`` describes the API as it is."""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from functions.api import requests
from functions.api.openapi import written
from lakehook.adapters.signing_keys import CryptographySigningKeys
from lakehook.domain.verification import CapturedRequest, verify_request
from lakehook.operations.views.deliveries import DeadLetterView, DeliveryDetailView, LaneView
from lakehook.operations.views.subscriptions import (
    PingReportView,
    RotatedSecretView,
    SubscriptionDetailView,
)
from lakehook.subscriptions.subscribe import SecretRequest, SubscriptionFields
from local import sample_deliveries
from tests.unit.test_api import ApiOverFakes

DOCUMENT = Path(__file__).parents[2] / "docs" / "openapi.json"
SAMPLES = Path(__file__).parents[2] / "docs" / "examples" / "deliveries"
DESCRIBED: dict[str, Any] = json.loads(DOCUMENT.read_text(encoding="utf-8"))
"""The description by the API itself, made at the first test here, as it takes seconds."""
OPERATIONS = [
    (path, method, operation)
    for path, operations in DESCRIBED["paths"].items()
    for method, operation in operations.items()
]
ALWAYS = {"422", "500", "503"}


def test_the_document_is_of_this_api():
    assert DOCUMENT.read_text(encoding="utf-8") == written(), "make openapi"


@pytest.mark.parametrize(
    ("path", "method", "operation"), OPERATIONS, ids=lambda value: str(value)[:40]
)
def test_each_operation_has_a_summary_and_refusals_of_one_schema(
    path: str, method: str, operation: dict[str, Any]
):
    refused = {
        status: response for status, response in operation["responses"].items() if status >= "400"
    }

    assert operation["summary"]
    assert operation["tags"]
    assert refused.keys() >= ALWAYS
    assert ("404" in refused) >= ("{" in path)
    assert ({"413", "415"} <= refused.keys()) == ("requestBody" in operation)
    shapes = {
        response["content"]["application/json"]["schema"]["$ref"] for response in refused.values()
    }
    assert shapes == {"#/components/schemas/Refusal"}
    assert all(parameter["description"] for parameter in operation.get("parameters", ()))


def test_every_reference_leads_somewhere():
    text = json.dumps(DESCRIBED)

    for name in DESCRIBED["components"]["schemas"]:
        text = text.replace(f'"#/components/schemas/{name}"', "")
    assert "#/components/schemas/" not in text


@pytest.mark.parametrize("sample", sorted(SAMPLES.glob("*.json")), ids=lambda path: path.stem)
def test_requests_to_a_subscriber_are_described(sample: Path):
    operation = DESCRIBED["webhooks"]["event"]["post"]
    request = json.loads(sample.read_text(encoding="utf-8"))
    schema = operation["requestBody"]["content"]["application/json"]["schema"]

    Draft202012Validator({**schema, "components": DESCRIBED["components"]}).validate(
        json.loads(request["body"])
    )
    assert {parameter["name"] for parameter in operation["parameters"]} <= request["headers"].keys()


def test_the_samples_are_as_they_would_be_sent_and_verify_by_their_secret():
    written_files = {path.name: path.read_text(encoding="utf-8") for path in SAMPLES.iterdir()}

    assert written_files == dict(sample_deliveries.files()), "make samples"
    key = CryptographySigningKeys().parse_verifying_key(written_files["secret.txt"].strip())
    for name in written_files.keys() - {"secret.txt"}:
        request = json.loads(written_files[name])
        capture = CapturedRequest(headers=request["headers"], body=request["body"].encode())
        assert verify_request(capture, key, now=sample_deliveries.AT, tolerance_seconds=0) is None


def test_a_body_may_hold_what_is_described_and_nothing_else():
    schemas = DESCRIBED["components"]["schemas"]

    bodies = "NewSubscription Amendment RotationRequest TestRequest MatchRequest"
    for model in (*bodies.split(), "DeadLetterSelection"):
        assert schemas[model]["additionalProperties"] is False


def test_each_field_of_a_subscription_has_its_own_name_in_requests():
    names = set(SubscriptionFields.__dataclass_fields__)

    assert names <= set(requests.NewSubscription.model_fields)
    assert names - {"channel", "format"} <= set(requests.Amendment.model_fields)
    extra = set(requests.NewSubscription.model_fields) - names
    past = {"since", "from_beginning"}
    assert extra == {"signing", "secret", "allow_empty_secret", "challenge"} | past
    assert len(SecretRequest.__dataclass_fields__) == 3


def test_every_response_field_is_described():
    api = ApiOverFakes()
    id_ = api.subscribe_with_letter()
    calls: list[tuple[type, Any]] = [
        (SubscriptionDetailView, api.call("GET", f"/subscriptions/{id_}").document),
        (PingReportView, api.call("POST", f"/subscriptions/{id_}/test", {"wait_seconds": 1})),
        (RotatedSecretView, api.call("POST", f"/subscriptions/{id_}/rotate-secret", {})),
        (DeliveryDetailView, api.call("GET", f"/deliveries/{id_}%2339%231")),
        (LaneView, api.call("GET", "/lanes").document["lanes"][0]),
        (DeadLetterView, api.call("GET", "/dead-letters").document["dead_letters"][0]),
    ]

    for model, response in calls:
        document = getattr(response, "document", response)
        assert set(document) == {field.name for field in fields(model)}, model.__name__
