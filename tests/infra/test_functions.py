"""Functions: triggers as Lambda's guide asks, and every setting that they read."""

from dataclasses import fields

import pytest

from infra.bundle import ROOT, function_names
from lakehook.domain.pipeline import StallThresholds
from lakehook.settings import (
    ApiSettings,
    DeliverSettings,
    FanoutSettings,
    IngressSettings,
    SchedulerSettings,
    Settings,
)
from tests.infra.blueprint import Blueprint

NAMES = ["api", "deliver", "fanout", "ingress", "scheduler"]


def test_the_blueprint_has_these_functions(production: Blueprint) -> None:
    assert sorted(production.functions) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_handler_is_where_lambda_will_look_for_it(production: Blueprint, name: str) -> None:
    module, _, function = production.functions[name]["Handler"].rpartition(".")

    assert function == "lambda_handler"
    assert ROOT.joinpath(*module.split(".")).with_suffix(".py").is_file()


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("api", ApiSettings),
        ("scheduler", SchedulerSettings),
        ("deliver", DeliverSettings),
        ("fanout", FanoutSettings),
        ("ingress", IngressSettings),
    ],
    ids=NAMES,
)
def test_a_function_has_the_environment_that_its_settings_and_powertools_read(
    production: Blueprint, name: str, settings: type[Settings]
) -> None:
    environment = production.environment(name)

    assert set(environment) == {field.name.upper() for field in fields(settings)} | {
        "POWERTOOLS_METRICS_NAMESPACE",
        "POWERTOOLS_SERVICE_NAME",
    }
    assert environment["POWERTOOLS_METRICS_NAMESPACE"] == "Lakehook"
    assert environment["POWERTOOLS_SERVICE_NAME"] == name


def test_networks_are_allowed_by_a_parameter_and_none_is_by_default(
    production: Blueprint,
) -> None:
    environment = production.environment("deliver")

    assert environment["ALLOWED_NETWORKS"] == {"Ref": "AllowedNetworks"}
    assert production.template["Parameters"]["AllowedNetworks"]["Default"] == "-"


def test_a_project_may_have_stall_thresholds_of_its_own(production: Blueprint) -> None:
    default = production.template["Parameters"]["StallThresholds"]["Default"]

    assert production.environment("scheduler")["STALL_THRESHOLDS"] == {"Ref": "StallThresholds"}
    assert StallThresholds.parse(default) == StallThresholds()


def test_every_function_has_the_runtime_and_processor_of_the_bundle(production: Blueprint) -> None:
    runs_on = [
        (function["Runtime"], function["Architectures"])
        for function in production.functions.values()
    ]

    assert runs_on == [("python3.13", ["arm64"])] * 5


def test_a_message_stays_hidden_as_long_as_its_function_may_run(production: Blueprint) -> None:
    """The shortest timeout that Lambda allows, so that a crash's messages come back soon."""
    functions = production.resources("AWS::Lambda::Function")

    for mapping in production.mappings:
        queue = production.queues[mapping["EventSourceArn"]["Fn::GetAtt"][0]]
        function = functions[mapping["FunctionName"]["Ref"]]
        assert queue["VisibilityTimeout"] == function["Timeout"]


def test_a_queue_feeds_a_function_in_batches_that_may_fail_in_part(production: Blueprint) -> None:
    for mapping in production.mappings:
        assert mapping["BatchSize"] <= 10
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert 2 <= mapping["ScalingConfig"]["MaximumConcurrency"] <= 1000


def test_no_filter_drops_messages_on_the_way(production: Blueprint) -> None:
    assert not [mapping for mapping in production.mappings if "FilterCriteria" in mapping]


def test_the_scheduler_ticks_every_minute(production: Blueprint) -> None:
    (rule,) = production.resources("AWS::Events::Rule").values()
    (target,) = rule["Targets"]
    woken = production.resources("AWS::Lambda::Function")[target["Arn"]["Fn::GetAtt"][0]]

    assert rule["ScheduleExpression"] == "rate(1 minute)"
    assert woken["Handler"] == "functions.scheduler.handler.lambda_handler"


def test_every_function_has_a_log_of_its_own_for_three_months(production: Blueprint) -> None:
    logs = production.resources("AWS::Logs::LogGroup")
    used = [
        function["LoggingConfig"]["LogGroup"]["Ref"] for function in production.functions.values()
    ]

    assert sorted(used) == sorted(logs)
    assert {log["RetentionInDays"] for log in logs.values()} == {90}


def test_only_deliver_may_invoke_itself_through_its_queue(production: Blueprint) -> None:
    loops = {name: function.get("RecursiveLoop") for name, function in production.functions.items()}

    assert loops == {"deliver": "Allow"} | dict.fromkeys(("api", "scheduler", "fanout", "ingress"))


def test_the_same_sources_are_the_same_assets_for_every_stage(
    production: Blueprint, rehearsal: Blueprint
) -> None:
    assert len(production.asset_keys) == len(function_names())
    assert production.asset_keys == rehearsal.asset_keys
