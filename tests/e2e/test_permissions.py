"""A role allows what its function was seen to ask of AWS in all these tests, and no more."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from lakehook.settings import output_name
from local.calls import asked_of
from local.function import ROOT
from local.installation import CA_BUNDLE_ARN, LocalLakehook
from tests.infra.blueprint import Blueprint, Grant

BLUEPRINT = Blueprint(json.loads((ROOT / "local" / "template.json").read_text(encoding="utf-8")))

ELSEWHERE = {"test_demo.py", "test_recovery.py"}  # installations of their own

OF_CHOICES = {"deliver": {("ssm:GetParameter", CA_BUNDLE_ARN)}}
"""What the role allows only in a stage that chooses it (``infra/test_choices.py``)."""

SELDOM: dict[str, set[Grant]] = {
    "fanout": {  # of a message that comes again, which ``test_crash.py`` makes in its own turn
        ("dynamodb:PutItem", "PipelinesTable"),
        ("sqs:ChangeMessageVisibility", "EventsQueueUrl"),
    },
    "scheduler": {  # by a tick that finds a probe, or the minute of a subscription's recheck
        ("dynamodb:Query", "DeliveriesTable/index/suspended"),
    },
}
"""What is asked only in some runs of these tests, and why."""

NOT_SEEN: dict[str, dict[Grant, str]] = {
    "deliver": {
        ("ses:SendEmail", "configuration-set/*"): "SES asks for it where an identity has one; the"
        " call does not name it",
    },
}
"""What a role allows though no test here makes its function ask for it, and why."""


@pytest.fixture(autouse=True)
def _all_has_happened(request: pytest.FixtureRequest) -> None:
    """Half of the tests would show half of the calls; one worker has the turn of all."""
    folder = Path(__file__).parent
    missing = {path.name for path in folder.glob("test_*.py")} - ELSEWHERE
    missing -= {item.path.name for item in request.session.items if item.path.parent == folder}
    if missing:
        pytest.skip(f"it judges a run of all end-to-end tests; not run: {sorted(missing)}")


@pytest.fixture(params=sorted(BLUEPRINT.functions))
def function(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def calls_of_function(function: str, lakehook: LocalLakehook, calls: Path) -> set[Grant]:
    """Return the calls of the function's code; resources have the names of their outputs."""
    outputs = asdict(lakehook.deployment).items()
    names = {value: output_name(name) for name, value in outputs}
    name = next(
        candidate for candidate in lakehook.functions if BLUEPRINT.logical_id(function) in candidate
    )
    return {(action, _name_resource(resource, names)) for action, resource in asked_of(calls)[name]}


def _name_resource(resource: str, names: dict[str, str]) -> str:
    thing, slash, path = resource.partition("/index/")
    return f"{names.get(thing, thing)}{slash}{path}"


def test_nothing_that_a_function_asks_for_is_missing_in_its_role(
    function: str, calls_of_function: set[Grant]
):
    assert calls_of_function - BLUEPRINT.allowed_actions(function) == OF_CHOICES.get(
        function, set()
    )


def test_nothing_is_allowed_that_a_function_does_not_ask_for(
    function: str, calls_of_function: set[Grant]
):
    needed = (
        calls_of_function | BLUEPRINT.needed_by_lambda(function) | NOT_SEEN.get(function, {}).keys()
    )
    seldom = SELDOM.get(function, set())

    assert BLUEPRINT.allowed_actions(function) - needed - seldom == set()


def test_calls_listed_as_unseen_are_not_seen(function: str, calls_of_function: set[Grant]):
    assert calls_of_function & NOT_SEEN.get(function, {}).keys() == set()
