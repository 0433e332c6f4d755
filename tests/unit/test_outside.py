"""Sources of evidence from outside; every double of a service names its evidence."""

import ast
import re
from pathlib import Path

import pytest

from tests.outside import OUTSIDE

ROOT = Path(__file__).parents[2]
UNPROVEN = (OUTSIDE / "UNPROVEN.md").read_text(encoding="utf-8")
SERVICES = (ROOT / "docs" / "services.md").read_text(encoding="utf-8")

SERVICE = re.compile(
    r"\b(AWS|Lambda|SQS|SNS|DynamoDB|CloudFormation|EventBridge|CloudWatch|KMS|SES|DevLake)\b"
)
EVIDENCE = re.compile(r"https://|tests/outside|tests/contracts")
VERDICT = re.compile(r"^\| .* \| (recorded|seen|documented|believed) \| .* \|$", re.MULTILINE)

NO_DOUBLES = {
    "local/account.py": "constants",
    "local/actions.py": "calls moto's backends",
    "local/calls.py": "records what is asked of moto",
    "local/fork_server.py": "starts the processes of local/function.py",
    "local/provision.py": "asks moto for what CloudFormation would make",
    "local/service_models.py": "reads botocore's models",
    "tests/conftest.py": "configures pytest",
    "tests/devlake_vectors.py": "reads recordings",
    "tests/e2e/devlake_scenarios.py": "plays scenarios in tests/devlake",
    "tests/witness/deviations.py": "a table",
    "tests/witness/make_recipes.py": "runs recipes",
}
"""Modules that name a service and do not stand in its place."""

SCRIPTED = {
    "FakeDeliveryMetrics": "values are the test's function of time",
    "FakeDetails": "details are given by the test",
    "FakeEncryptor": "bytes reversed, not KMS; that is in tests/contracts/test_credential_store.py",
    "FakeEndpoint": "verifies by the shipped code",
    "FakeFanOutReader": "reads the fakes that it is given",
    "FakeIngressTelemetry": "records what it is told",
    "FakeMessageAcks": "records receipts; what they do is in tests/contracts/test_queues.py",
    "FakeNetwork": "addresses are given by the test",
    "FakeParkedEventQueue": "a list; for the queue see tests/contracts/test_dead_letters.py",
    "FakeReconcileTelemetry": "records what it is told",
    "FakeSender": "what a request ends with is the test's script",
    "FakeStack": "the other fakes together",
    "FakeTelemetry": "records what it is told",
    "FakeTransport": "answers are the test's script",
}
"""Fakes without a contract test, for they claim nothing of a service."""


def docstring_of(path: str) -> str:
    return ast.get_docstring(ast.parse((ROOT / path).read_text(encoding="utf-8"))) or ""


def modules() -> set[str]:
    paths = {path for folder in ("local", "tests") for path in (ROOT / folder).rglob("*.py")}
    return {str(path.relative_to(ROOT)) for path in paths if "node_modules" not in path.parts}


def imitating() -> set[str]:
    """Modules that name a service, but for tests: they stand in its place, or near it."""
    shared = {path for path in modules() if not path.rpartition("/")[2].startswith("test_")}
    return {path for path in shared if SERVICE.search(docstring_of(path))}


DOUBLES = sorted(
    (imitating() - NO_DOUBLES.keys())
    | {"bench/aws_endpoint.py", "bench/meter.py", "bench/slow_sqs.py"}
    | {"tests/robots.py", "tests/integration/test_ses.py", "tests/integration/wire.py"}
)


def evidence_of(double: str) -> str:
    """Docstring of a double and of its package, which holds for all of its doubles."""
    package = ROOT / double
    package = package.with_name("__init__.py")
    return docstring_of(double) + (docstring_of(str(package)) if package.exists() else "")


RECORDED_IN = sorted({path.parent for path in OUTSIDE.rglob("*.json*")})


@pytest.mark.parametrize("directory", RECORDED_IN, ids=lambda path: path.name)
def test_recordings_have_their_source_and_date_beside_them(directory: Path):
    source = (directory / "SOURCE.md").read_text(encoding="utf-8")

    assert re.search(r"`[0-9a-f]{7,40}`", source), "the commit"
    assert re.search(r"\b20\d\d-\d\d-\d\d\b", source), "the date"
    assert re.search(r"https://github\.com/\S+", source), "the repository"


@pytest.mark.parametrize("double", DOUBLES)
def test_a_double_names_its_evidence_or_stands_among_the_unproven(double: str):
    proven = EVIDENCE.search(evidence_of(double)) or f"`{double}`" in UNPROVEN
    assert proven, "link a source in its docstring, or add it to UNPROVEN.md or NO_DOUBLES"


def test_the_unproven_are_doubles_that_are_there():
    modules_named = re.findall(r"^\| `(\S+\.py)` \|", UNPROVEN, re.MULTILINE)

    assert sorted(modules_named) == sorted(set(modules_named) & set(DOUBLES))
    assert imitating() >= NO_DOUBLES.keys()


def test_every_fake_passes_a_contract_or_claims_nothing_of_a_service():
    contracts = "".join(p.read_text("utf-8") for p in (ROOT / "tests" / "contracts").glob("*.py"))
    files = [*(ROOT / "tests").glob("fakes*.py"), ROOT / "tests" / "devlake" / "port.py"]
    fakes = {
        name
        for file in files
        for name in re.findall(r"^class (Fake\w+)", file.read_text("utf-8"), re.MULTILINE)
    }

    uncontracted = {name for name in fakes if not re.search(rf"\b{name}\b", contracts)}

    assert uncontracted == SCRIPTED.keys(), "test it in tests/contracts, or add it to SCRIPTED"


def test_every_belief_has_a_verdict_and_evidence():
    rows = re.findall(r"^\| (?!belief|---).*$", SERVICES, re.MULTILINE)
    verdicts = VERDICT.findall(SERVICES)

    assert len(rows) == len(verdicts) >= 29
    for row in rows:
        proven = "| believed |" in row or re.search(r"https://|tests/|`bench", row)
        assert proven or "the same" in row, row
