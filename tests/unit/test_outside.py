"""Evidence from outside has its source, and every double of a service names its evidence."""

import ast
import re
from pathlib import Path

import pytest

from tests.outside import OUTSIDE

ROOT = Path(__file__).parents[2]
UNPROVEN = (OUTSIDE / "UNPROVEN.md").read_text(encoding="utf-8")
SERVICES = (ROOT / "docs" / "services.md").read_text(encoding="utf-8")

SERVICE = re.compile(r"Lambda|SQS|SNS|DynamoDB|CloudFormation|EventBridge|CloudWatch|KMS|SES\b")


def docstring_of(path: str) -> str:
    return ast.get_docstring(ast.parse((ROOT / path).read_text(encoding="utf-8"))) or ""


def imitating() -> set[str]:
    """Modules of the laptop that name a service, for they stand in its place."""
    modules = (str(path.relative_to(ROOT)) for path in (ROOT / "local").glob("*.py"))
    return {path for path in modules if SERVICE.search(docstring_of(path))}


NO_DOUBLES = {"local/provision.py"}
"""Names CloudFormation, and asks moto for what that would make."""

DOUBLES = sorted(
    (imitating() - NO_DOUBLES)
    | {
        *("local/fifo/__init__.py", "local/sqs/__init__.py", "tests/devlake/__init__.py"),
        *("tests/api_caller.py", "tests/cloudwatch.py", "tests/fakes.py", "tests/robots.py"),
        *("tests/integration/test_ses.py", "tests/integration/wire.py"),
        *("tests/simulation/aws.py", "tests/simulation/platform.py", "tests/simulation/ports.py"),
        "tests/witness/cloud.py",
    }
)
"""A package by its first module: what that says holds for all of them."""
EVIDENCE = re.compile(r"https://|tests/outside|tests/contracts")
VERDICT = re.compile(r"^\| .* \| (recorded|seen|documented|believed) \| .* \|$", re.MULTILINE)


RECORDED_IN = sorted({path.parent for path in OUTSIDE.rglob("*.json*")})


@pytest.mark.parametrize("directory", RECORDED_IN, ids=lambda path: path.name)
def test_recordings_have_their_source_and_date_beside_them(directory: Path):
    source = (directory / "SOURCE.md").read_text(encoding="utf-8")

    assert re.search(r"`[0-9a-f]{7,40}`", source), "the commit"
    assert re.search(r"\b20\d\d-\d\d-\d\d\b", source), "the date"
    assert re.search(r"https://github\.com/\S+", source), "the repository"


@pytest.mark.parametrize("double", DOUBLES)
def test_a_double_names_its_evidence_or_stands_among_the_unproven(double: str):
    assert EVIDENCE.search(docstring_of(double)) or f"`{double}`" in UNPROVEN


def test_the_unproven_are_doubles_that_are_there():
    named = re.findall(r"^\| `(\S+\.py)` \|", UNPROVEN, re.MULTILINE)

    assert sorted(named) == sorted(set(named) & set(DOUBLES))
    assert imitating() >= NO_DOUBLES


def test_every_belief_has_a_verdict_and_evidence():
    rows = re.findall(r"^\| (?!belief|---).*$", SERVICES, re.MULTILINE)
    verdicts = VERDICT.findall(SERVICES)

    assert len(rows) == len(verdicts) == 29
    for row in rows:
        proven = "| believed |" in row or re.search(r"https://|tests/|`bench", row)
        assert proven or "the same" in row, row
