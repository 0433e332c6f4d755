"""DevLake waits for a cold ingress, and its pipelines for DevLake: what is not needed stays out."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

DEAR = ("boto3", "s3transfer", "requests", "lakehook.ports", "lakehook.domain.subscription")


def test_the_ingress_imports_no_more_than_it_needs():
    script = "import sys, functions.ingress.handler; print(*sys.modules)"

    loaded = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()

    assert "lakehook.take_notice" in loaded
    assert not set(loaded) & set(DEAR)
