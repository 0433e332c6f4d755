"""The HTTP API keeps what its description says, whatever it is sent."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import boto3
import pytest
import requests
import schemathesis
from hypothesis import settings
from schemathesis import checks
from schemathesis.pytest.lazy import get_all_tests

from functions.api import handler as api_function
from lakehook.adapters.dynamodb.journal import DynamoJournal
from lakehook.adapters.dynamodb.ledger import DynamoLedger
from lakehook.domain.lane import DeliveryRecord, HeldLane
from lakehook.settings import ApiSettings, StackOutputs
from local.function_url import FunctionUrl
from local.runtime_api import InvocationResult
from tests.builders import a_delivery, an_event
from tests.contracts.test_handlers import Context
from tests.deployment import Provisioned
from tests.fakes import NOON, FakeClock
from tests.journaling import append_step, load_event

DOCUMENT = Path(__file__).parents[2] / "docs" / "openapi.json"
"""As the API writes it (``tests/unit/test_openapi.py``)."""

KNOWN = "known"
"""Stands in a path for the id of what is there."""

TERMS = {"name": "ci", "url": "https://93.184.216.34/", "deadline_seconds": 1}
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

Known = Mapping[str, str]


def invoke(event: Mapping[str, Any]) -> InvocationResult:
    """Invoke the handler as the runtime does."""
    answered = api_function.lambda_handler(dict(event), Context())
    return InvocationResult(json.dumps(answered).encode())


@pytest.fixture(scope="module")
def api(provisioned: Provisioned) -> Iterator[Known]:
    """URL of the API, and the ids of a subscription, a dead letter and so on."""
    cached_functions = (api_function.telemetry, api_function.operator_service, api_function.api)
    url = FunctionUrl().to(invoke)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("POWERTOOLS_SERVICE_NAME", "api-fuzz")
        patch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Lakehook")
        deployment = provisioned.restore()
        outputs = {name: getattr(deployment, name) for name in ApiSettings.__dataclass_fields__}
        for name, value in ApiSettings(**outputs).to_env().items():
            patch.setenv(name, value)
        for cached in cached_functions:
            cached.cache_clear()
        url.start()
        yield {"url": url.url, **_create_resources(url.url, deployment)}
        url.stop()
        url.server_close()
    for cached in cached_functions:
        cached.cache_clear()


def _create_resources(url: str, deployment: StackOutputs) -> Known:
    created = requests.post(f"{url}subscriptions", json=TERMS, timeout=120).json()
    replay_request = {"subscription": created["subscription_id"], "since": "1h"}
    replay = requests.post(f"{url}replays", json=replay_request, timeout=120).json()
    dynamodb = boto3.client("dynamodb")
    journal = DynamoJournal(dynamodb, deployment.pipelines_table, FakeClock())
    pipeline, _ = load_event(journal, an_event())
    append_step(journal, pipeline.apply(an_event()))
    dead = DeliveryRecord.waiting(a_delivery(1, subscription=created["subscription_id"]))
    lane = HeldLane.held_at(dead.lane, 1, now=NOON)
    ledger = DynamoLedger(dynamodb, deployment.deliveries_table, FakeClock())
    ledger.save(dead.dead("rejected"), before=None, after=lane)
    parked = boto3.client("sqs").send_message(
        QueueUrl=deployment.events_dead_letter_queue_url,
        MessageBody="{}",
        MessageGroupId="39",
        MessageDeduplicationId="1",
    )
    return {
        "parked": parked["MessageId"],
        "subscription": created["subscription_id"],
        "replay": replay["replay_id"],
        "delivery": f"{dead.lane}#1",
        "pipeline": dead.lane.pipeline_key,
    }


def _described() -> Any:
    """Load the description, in which paths also lead to existing resources.

    Nothing there is removed, and its endpoint is not asked, for that takes an exchange each time.
    """
    description = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    del description["security"]  # asked for by IAM, and on the laptop by nobody
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            for parameter in operation.get("parameters", ()):
                is_spared = method == "delete" or path.endswith("/test")
                if parameter["in"] == "path" and not is_spared:
                    text = {"type": "string", "minLength": 1}
                    parameter["schema"] = {"anyOf": [{"const": KNOWN}, text]}
    schema = schemathesis.openapi.from_dict(description)
    schema.config.phases.coverage.enabled = False  # a thousand requests: a dozen seconds
    return schema


def test_the_api_answers_any_request_as_its_document_describes(api: Known):
    """Run all operations in a single test: each worker would generate all cases to collect them."""

    def answers_as_described(case: Any) -> None:
        for name, value in (case.path_parameters or {}).items():
            if value == KNOWN:
                case.path_parameters[name] = quote(api[name], safe="")
        case.call_and_validate(base_url=api["url"], checks=KEPT, timeout=120)

    bounds = settings(max_examples=5, derandomize=True, database=None)
    for generated in get_all_tests(
        schema=_described(), test_func=answers_as_described, settings=bounds, given_kwargs={}
    ):
        _, check = generated.ok()
        check()
