"""A stage whose parts do not fit is refused before anything is built of it."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from infra.bundle import ROOT
from infra.retention import Retention
from infra.stage import LONGEST_DEADLINE_SECONDS, Stage, stage_named
from infra.stages import STAGES, stage_of
from lakehook.domain.subscription import MAX_DEADLINE_SECONDS
from tests.infra.blueprint import Blueprint


def a_stage(**changes: Any) -> Stage:
    valid: dict[str, Any] = {
        "name": "test",
        "protected": False,
        "fanouts_at_once": 2,
        "deliveries_at_once": 2,
        "notices_at_once": 1,
        "api_calls_at_once": 1,
    }
    return Stage(**(valid | changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"visibility_seconds": 179}, "visibility_seconds 179: choose 180 "),
        ({"fanout_timeout_seconds": 31}, "visibility_seconds 180: choose 186 "),
        ({"visibility_seconds": 43_201}, "visibility_seconds 43201: choose 180 .* to 43200"),
        ({"deliver_timeout_seconds": 25}, "deliver_timeout_seconds 25: choose more than 25"),
        ({"clock_timeout_seconds": 61}, "clock_timeout_seconds 61: choose at most 60"),
        ({"fanouts_at_once": 1}, "fanouts_at_once 1: choose 2 to 1000"),
        ({"deliveries_at_once": 1001}, "deliveries_at_once 1001: choose 2 to 1000"),
        ({"notices_at_once": 0}, "notices_at_once 0: choose at least 1"),
        ({"api_calls_at_once": 0}, "api_calls_at_once 0: choose at least 1"),
        ({"name": "Staging"}, "stage 'Staging': choose .* lower-case"),
        ({"name": "a" * 25}, "stage 'a{25}': choose up to 24"),
    ],
    ids=str,
)
def test_a_stage_that_cannot_work_is_refused_with_the_way_out(
    changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        a_stage(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "a" * 24},
        {"fanouts_at_once": 2, "deliveries_at_once": 1000},
        {"deliver_timeout_seconds": 26},
        {"fanout_timeout_seconds": 40, "visibility_seconds": 240},
        {"visibility_seconds": 43_200},
    ],
    ids=str,
)
def test_a_stage_at_its_limits_is_accepted(changes: dict[str, Any]) -> None:
    stage = a_stage(**changes)

    assert stage.stack_name == f"Lakehook-{stage.name}"


def test_a_function_outlives_the_longest_deadline_that_a_subscription_may_have() -> None:
    assert LONGEST_DEADLINE_SECONDS == MAX_DEADLINE_SECONDS


def test_production_is_the_stack_lakehook() -> None:
    assert stage_named("production").stack_name == "Lakehook"


def test_two_stages_in_an_account_share_no_queue(
    production: Blueprint, rehearsal: Blueprint
) -> None:
    renamed = {name.replace("Lakehook-rehearsal-", "Lakehook-") for name in rehearsal.queue_names}

    assert renamed == production.queue_names
    assert not rehearsal.queue_names & production.queue_names


def test_two_stages_in_an_account_share_no_metric(rehearsal: Blueprint) -> None:
    namespace = rehearsal.environment("deliver")["POWERTOOLS_METRICS_NAMESPACE"]

    assert namespace == "Lakehook-rehearsal"


def test_a_rehearsal_leaves_nothing_behind(rehearsal: Blueprint) -> None:
    tables = rehearsal.resources("AWS::DynamoDB::Table").values()
    kept = [
        resource["Type"]
        for resource in rehearsal.template["Resources"].values()
        if "Retain" in (resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy"))
    ]

    assert [table["DeletionProtectionEnabled"] for table in tables] == [False] * 3
    assert kept == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"events_days": 13}, "events_days 13: choose at least the 14 days"),
        ({"retry_schedule": "604800,604800,604800,604800"}, "events_days 30: .* the 30.8 days"),
        ({"records_days": 29}, "records_days 29: choose at least the 30 days"),
        ({"records_days": 91}, "logs_days 90: choose at least the 91 days"),
        ({"logs_days": 100}, "logs_days 100: choose one of"),
    ],
    ids=str,
)
def test_nothing_is_forgotten_while_something_else_needs_it(
    changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Retention(**changes)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("deliveries_at_one = 3", "a stage has no deliveries_at_one to choose"),
        ('name = "other"', "a stage has no name to choose"),
        ("deliveries_at_once = 1", "deliveries_at_once 1: choose 2 to 1000"),
        ('producers = ["12345"]', "producers '12345': name 'this account', an account by its 12"),
        ("retention = { log_days = 1 }", "log_days"),
        ('network = { subnets = ["subnet-01234567"] }', "security_groups"),
        ('network = { subnets = [], security_groups = ["sg-01234567"] }', "name at least one"),
        ('network = { subnets = ["sg-01234567"], security_groups = [] }', "each subnet-"),
    ],
)
def test_a_choice_that_cannot_work_is_refused_with_the_file_s_name(
    tmp_path: Path, written: str, message: str
) -> None:
    file = tmp_path / "stages.toml"
    file.write_text(f"[production]\n{written}")

    with pytest.raises(SystemExit, match=rf"stages.toml: \[production\] .*{message}"):
        stage_of("production", file)


def test_every_choice_that_the_file_shows_can_be_taken(tmp_path: Path) -> None:
    shown = (ROOT / STAGES).read_text(encoding="utf-8")
    file = tmp_path / "stages.toml"
    file.write_text(re.sub(r"^# (?=\[|\w+ = )", "", shown, flags=re.MULTILINE))

    stage = stage_of("production", file)

    assert stage.network
    assert len(stage.producers.names) == 3
    assert stage == replace(
        stage_named("production"), producers=stage.producers, network=stage.network
    )


def test_the_file_as_it_comes_changes_nothing() -> None:
    assert stage_of("production", ROOT / STAGES) == stage_named("production")
    assert stage_of("try", ROOT / STAGES) == stage_named("try")


def test_a_new_account_may_have_nothing_to_reserve():
    stage = stage_named("try", {"notices_at_once": "none", "api_calls_at_once": "none"})

    assert (stage.notices_at_once, stage.api_calls_at_once) == (None, None)
