"""Somebody waits for a cold start: what a function needs later, or never, it does not import."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

ANY = {"boto3", "s3transfer", "requests", "liquid", "babel", "cryptography", "sqlite3"}
"""What only some subscriptions need comes in when the first of them is met."""

SENDER = {"lakehook.adapters.http"}
CALLER = {"pydantic", "aws_lambda_powertools.event_handler"}

NEEDS = {
    "ingress": "lakehook.take_notice",
    "fanout": "lakehook.fan_out",
    "deliver": "lakehook.deliver_batch",
    "clock": "lakehook.wake",
    "api": "lakehook.desk",
}
DEAR = {
    "ingress": {
        *(*ANY, *SENDER, *CALLER, "lakehook.ports.ledger", "lakehook.domain.subscription"),
        "lakehook.adapters.dynamo_heard",
        "lakehook.domain.devlake.heard",
        "lakehook.adapters.api_credentials",
        "lakehook.adapters.devlake_api",
        "lakehook.adapters.devlake_details",
    },
    "fanout": {*ANY, *SENDER, *CALLER, "lakehook.deliver", "lakehook.adapters.dynamo_ledger"},
    "deliver": {*ANY, *CALLER, "lakehook.fan_out", "lakehook.subscribe", "lakehook.replay"},
    "clock": {
        *(*ANY, *SENDER, *CALLER, "lakehook.deliver", "lakehook.fan_out", "lakehook.subscribe"),
        *("lakehook.reconcile", "lakehook.adapters.devlake_api"),
    },
    "api": {*ANY, "lakehook.deliver", "lakehook.fan_out", "lakehook.publisher"},
}


@pytest.mark.parametrize("name", NEEDS)
def test_a_function_imports_no_more_than_it_needs(name: str) -> None:
    script = f"import sys, functions.{name}.handler; print(*sys.modules)"

    loaded = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()

    assert NEEDS[name] in loaded
    assert set(loaded) & DEAR[name] == set()
