"""The HTTP API over the local cloud keeps what its description says, whatever it is sent."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
import requests
import schemathesis
from hypothesis import settings
from schemathesis import checks

from functions.api.openapi import description
from lakehook.producer import Publisher
from tests.builders import an_event
from tests.integration.eventually import eventually
from tests.integration.test_local_up import up

PIPELINE = 39
KNOWN = "known"
"""Stands in a path for the id of what is there."""

NOBODY_LISTENS = "http://127.0.0.1:9/"
KEPT = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
    checks.unsupported_method,
    checks.allow_header_conformance,
]
"""Not among them: that valid data is taken, for what a URL or a pattern may be is beyond a schema;
that a signature is asked for, which is IAM's doing and so not the laptop's; and what is said of
sequences of calls, which are not made here."""


@pytest.fixture(scope="module")
def api() -> Iterator[dict[str, Any]]:
    """Where it is, and the ids of what is there: a subscription, a dead letter, a replay."""
    options = (
        "--retry-schedule",
        "0.1",
        "--clock-seconds",
        "0.3",
        "--allow-network",
        "127.0.0.0/8",
    )
    with up(*options) as (_, where):
        yield {"where": where, **_furnished(where)}


def _furnished(where: dict[str, Any]) -> dict[str, str]:
    url = where["api_url"]
    terms = {"name": "ci", "url": NOBODY_LISTENS, "deadline_seconds": 1}
    made = requests.post(f"{url}subscriptions", json=terms, timeout=30).json()
    sqs = boto3.client(
        "sqs",
        endpoint_url=where["endpoint_url"],
        region_name=where["region"],
        aws_access_key_id="anyone",
        aws_secret_access_key="anything",
    )
    Publisher(where["events_queue_url"], sqs).publish([an_event(pipeline_id=PIPELINE)])
    letters = f"{url}dead-letters"
    eventually(lambda: requests.get(letters, timeout=30).json()["dead_letters"])
    order = {"subscription": made["subscription_id"], "since": "1h"}
    begun = requests.post(f"{url}replays", json=order, timeout=30).json()
    return {
        "subscription": made["subscription_id"],
        "replay": begun["replay_id"],
        "delivery": f"{made['subscription_id']}#{PIPELINE}#1",
        "pipeline": str(PIPELINE),
    }


def _described() -> Any:
    """The description, in which paths also lead to what is there.

    Nothing there is removed, and its endpoint is not asked, for that takes an exchange each time.
    """
    told = description()
    del told["security"]  # asked for by IAM, and on the laptop by nobody
    for path, operations in told["paths"].items():
        for method, operation in operations.items():
            for parameter in operation.get("parameters", ()):
                spared = method == "delete" or path.endswith("/test")
                if parameter["in"] == "path" and not spared:
                    anything = {"type": "string", "minLength": 1}
                    parameter["schema"] = {"anyOf": [{"const": KNOWN}, anything]}
    return schemathesis.openapi.from_dict(told)


@_described().parametrize()
@settings(max_examples=8, derandomize=True, database=None)
def test_whatever_it_is_sent_it_answers_as_described(case: Any, api: dict[str, Any]):
    for name, value in (case.path_parameters or {}).items():
        if value == KNOWN:
            case.path_parameters[name] = api[name]
    case.call_and_validate(base_url=api["where"]["api_url"], checks=KEPT)
