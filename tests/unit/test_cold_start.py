"""Cold starts: a function imports nothing at the start that it needs later or never."""

import subprocess
import sys
from pathlib import Path

import pytest

from bench.cold_start import SETTINGS, program

ROOT = Path(__file__).parents[2]

ANY = {"boto3", "s3transfer", "requests", "liquid", "babel", "cryptography", "sqlite3"}
"""Modules that only some subscriptions need, imported at the first of them."""

SENDER = {"lakehook.adapters.http.client"}
CALLER = {"pydantic", "aws_lambda_powertools.event_handler"}
OPERATORS = {"lakehook.domain.status", "lakehook.replay.manage"}
NOTICES = {"lakehook.domain.channels.notification", "lakehook.domain.devlake.notification"}
"""Modules that only some channels or only the ingress need."""

NEEDS = {
    "ingress": "lakehook.ingestion.receive_notification",
    "fanout": "lakehook.ingestion.fan_out",
    "deliver": "lakehook.delivery.batch",
    "scheduler": "lakehook.delivery.scheduler",
    "api": "lakehook.operations",
}
DEAR = {
    "ingress": {
        *(*ANY, *SENDER, *CALLER, "lakehook.ports.stores", "lakehook.domain.subscription"),
        "lakehook.adapters.dynamodb.last_heard",
        *("lakehook.adapters.devlake.client", "lakehook.adapters.http.tls"),
        "lakehook.domain.headers",
    },
    "fanout": {
        *(*ANY, *SENDER, *CALLER, *OPERATORS, *NOTICES, "lakehook.domain.replay"),
        "lakehook.delivery.lane_processor",
        "lakehook.adapters.dynamodb.ledger",
    },
    "deliver": {
        *(*ANY, *CALLER, *OPERATORS, *NOTICES),
        "lakehook.ingestion.fan_out",
        "lakehook.subscriptions.subscribe",
        "lakehook.replay",
    },
    "scheduler": {
        *(
            *ANY,
            *SENDER,
            *CALLER,
            *OPERATORS,
            *NOTICES,
            "lakehook.delivery.lane_processor",
            "lakehook.ingestion.fan_out",
            "lakehook.subscriptions.subscribe",
        ),
        *("lakehook.ingestion.reconcile", "lakehook.ingestion.scheduled_reconcile"),
        "lakehook.adapters.devlake.client",
    },
    "api": {
        *ANY,
        "lakehook.delivery.lane_processor",
        "lakehook.ingestion.fan_out",
    },
}


@pytest.mark.parametrize("name", NEEDS)
def test_a_function_imports_no_more_than_it_needs(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready = "gc.isenabled(), gc.get_freeze_count() > 0"
    script = f"import gc, sys; {program(name)}; print({ready}, *sys.modules)"
    for variable, value in SETTINGS.items():
        monkeypatch.setenv(variable, value)

    enabled, frozen, *loaded = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()

    assert NEEDS[name] in loaded
    assert set(loaded) & DEAR[name] == set()
    assert (enabled, frozen) == ("True", "True"), "the collector works again once it is ready"
