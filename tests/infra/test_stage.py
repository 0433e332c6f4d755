"""A stage whose parts do not fit is refused before anything is built of it."""

from typing import Any

import pytest

from infra.stage import InvalidStages, stage_named
from tests.infra.blueprint import Blueprint


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"deliver_timeout_seconds": 25}, "deliver_timeout_seconds = 25: choose more than 25"),
        ({"ingress_timeout_seconds": 0}, "ingress_timeout_seconds = 0: choose 1 to 900"),
        ({"fanout_timeout_seconds": 901}, "fanout_timeout_seconds = 901: choose 1 to 900"),
        ({"scheduler_timeout_seconds": 61}, "scheduler_timeout_seconds = 61: choose at most 60"),
        ({"fanout_concurrency": 1}, "fanout_concurrency = 1: choose 2 to 1000"),
        ({"deliver_concurrency": 1001}, "deliver_concurrency = 1001: choose 2 to 1000"),
        ({"ingress_concurrency": 0}, "ingress_concurrency = 0: choose at least 1"),
        ({"api_concurrency": 0}, "api_concurrency = 0: choose at least 1"),
    ],
    ids=str,
)
def test_a_stage_that_cannot_work_is_refused_with_the_way_out(
    changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidStages, match=message):
        stage_named("test", changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"fanout_concurrency": 2, "deliver_concurrency": 1000},
        {"deliver_timeout_seconds": 26},
        {"fanout_timeout_seconds": 900},
        {"api_timeout_seconds": 1},
    ],
    ids=str,
)
def test_a_stage_at_its_limits_is_accepted(changes: dict[str, Any]) -> None:
    assert stage_named("test", changes)


@pytest.mark.parametrize("name", ["Staging", "a" * 25, "", "1st", "a_b"])
def test_a_name_that_a_queue_cannot_have_is_refused(name: str) -> None:
    with pytest.raises(InvalidStages, match=r'name = ".*": choose up to 24 lower-case'):
        stage_named(name)


def test_a_stage_names_its_stack() -> None:
    assert stage_named("a" * 24).stack_name == f"Lakehook-{'a' * 24}"


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


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"events_days": 13}, "events_days = 13: choose at least the 14 days"),
        ({"retry_schedule": "604800,604800,604800,604800"}, "events_days = 30: .* the 31 days"),
        ({"records_days": 29}, "records_days = 29: choose at least the 30 days"),
        ({"records_days": 91}, "logs_days = 90: choose at least the 91 days"),
        ({"logs_days": 100}, "logs_days = 100: choose one of"),
        ({"retry_schedule": "5;300"}, 'retry_schedule = "5;300": .* is not seconds with commas'),
    ],
    ids=str,
)
def test_nothing_is_forgotten_while_something_else_needs_it(
    changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidStages, match=message):
        stage_named("test", {"retention": changes})


def test_a_new_account_may_have_nothing_to_reserve():
    stage = stage_named("try", {"ingress_concurrency": "none", "api_concurrency": "none"})

    assert (stage.ingress_concurrency, stage.api_concurrency) == (None, None)
