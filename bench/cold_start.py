"""CPU from a fresh process to a ready handler, compared with the least that it could import.

Both have their bytecode at hand.
"""

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence

from bench.harness import Row, compare, measure_in_turns

MAX_RATIO = 1.1
MAX_RATIO_OF_THE_API = 1.5
"""Only people wait for it, and its operations are what it is made of."""

QUEUE = "https://sqs.us-east-1.amazonaws.com/123456789012/queue.fifo"
SETTINGS = {
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "anyone",
    "AWS_SECRET_ACCESS_KEY": "anything",
    "POWERTOOLS_SERVICE_NAME": "bench",
    "POWERTOOLS_METRICS_NAMESPACE": "Lakehook",
    "SUBSCRIPTIONS_TABLE": "subscriptions",
    "PIPELINES_TABLE": "pipelines",
    "DELIVERIES_TABLE": "deliveries",
    "EVENTS_QUEUE_URL": QUEUE,
    "DELIVERIES_QUEUE_URL": QUEUE,
    "DEAD_LETTER_QUEUE_URL": QUEUE,
    "EVENTS_DEAD_LETTER_QUEUE_URL": QUEUE,
    "SECRETS_KEY": "alias/key",
    "NOTIFICATION_SECRET_ARN": "arn:aws:secretsmanager:us-east-1:123456789012:secret:notices",
    "EMPTY_SECRET": "refused",
    "DEVLAKE_API_URL": "-",
    "DEVLAKE_UI_URL": "-",
    "DEVLAKE_SOURCES": "{}",
    "DEVLAKE_API_SECRET_ARN": "arn:aws:secretsmanager:us-east-1:123456789012:secret:api",
    "OPERATORS_TOPIC_ARN": "arn:aws:sns:us-east-1:123456789012:operators",
    "STACK_NAME": "bench",
    "RECONCILE_SECONDS": "300",
    "STATUS_SECONDS": "300",
    "RETRY_SCHEDULE": "5,300",
    "ALLOWED_NETWORKS": "-",
    "EMAIL_SENDER": "-",
    "CA_BUNDLE_ARN": "-",
    "STALL_THRESHOLDS": "{}",
    "EVENT_RETENTION_DAYS": "30",
    "RECORD_RETENTION_DAYS": "60",
    "VISIBILITY_SECONDS": "28",
}
READY_EXPRESSIONS = {
    "deliver": "h.deliver_batch()",
    "fanout": "h.fan_out_batch()",
    "scheduler": "h.tick()",
    "ingress": "h.ingress()",
    "api": "h.operator_service(); h.api().resolver",
}
CLIENTS = {
    "deliver": ("dynamodb", "kms", "sqs"),
    "fanout": ("dynamodb", "sqs"),
    "scheduler": ("dynamodb", "sqs"),
    "ingress": ("secretsmanager", "sqs"),
    "api": ("dynamodb", "kms", "sqs"),
}
EXTRA_IMPORTS = {
    "deliver": "import requests; ",
    "api": "from aws_lambda_powertools.event_handler import"
    " LambdaFunctionUrlResolver as Url; Url(enable_validation=True); ",
}
"""The HTTP client, and what an API is made with: a resolver without a single operation."""


def measure(*, quick: bool) -> Sequence[Row]:
    with tempfile.TemporaryDirectory() as bytecode:
        environment = _environment(bytecode)
        return [_row(name, environment, rounds=3 if quick else 6) for name in READY_EXPRESSIONS]


def _row(name: str, environment: Mapping[str, str], *, rounds: int) -> Row:
    works = {
        "ours": _measure_start(program(name)),
        "reference": _measure_start(_reference_program(name)),
    }
    bound = {kind: (lambda work=work: work(environment)) for kind, work in works.items()}
    samples = measure_in_turns(bound, rounds=rounds)
    at_most = MAX_RATIO_OF_THE_API if name == "api" else MAX_RATIO
    comparison = compare(
        samples["ours"], samples["reference"], reference_name="its libraries", at_most=at_most
    )
    return samples["ours"].row(
        f"cold start of {name}, CPU", factor=1e3, unit="ms", on="fresh process", **comparison
    )


def program(name: str) -> str:
    """Return the program that makes a function ready for its first invocation."""
    return f"import functions.{name}.handler as h; h.telemetry(); {READY_EXPRESSIONS[name]}"


def _reference_program(name: str) -> str:
    """Import boto3, the function's clients of one session, Powertools, and what else it uses."""
    clients = "".join(f"session.client({client!r}); " for client in CLIENTS[name])
    return (
        f"import boto3; {EXTRA_IMPORTS.get(name, '')}session = boto3.Session(); {clients}"
        "from aws_lambda_powertools import Logger, Metrics; Logger(); Metrics()"
    )


def _measure_start(source: str) -> Callable[[Mapping[str, str]], float]:
    def start(environment: Mapping[str, str]) -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", source], env=environment, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime

    return start


def _environment(bytecode: str) -> dict[str, str]:
    environment = {**os.environ, **SETTINGS, "PYTHONPYCACHEPREFIX": bytecode}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return environment
