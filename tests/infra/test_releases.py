"""A release that a stage shifts step by step: all calls go through the alias that is shifted."""

import json

import pytest

from tests.cloudwatch import Alarm, alarms_of
from tests.infra.blueprint import Blueprint

FUNCTIONS = {"api", "deliver", "fanout", "ingress", "scheduler"}
MAX_METRICS = 10
"""https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html"""


@pytest.fixture
def alarm(chosen: Blueprint) -> Alarm:
    return alarms_of(chosen.template)["ReleaseFailing"]


def aliases(blueprint: Blueprint) -> dict[str, str]:
    """Logical ids of the aliases by function."""
    names = {blueprint.logical_id(name): name for name in FUNCTIONS}
    return {
        names[alias["FunctionName"]["Ref"]]: id_
        for id_, alias in blueprint.resources("AWS::Lambda::Alias").items()
    }


def test_queues_schedule_and_urls_call_the_alias_of_their_function(chosen: Blueprint) -> None:
    alias = aliases(chosen)
    (rule,) = chosen.resources("AWS::Events::Rule").values()
    (invoke,) = chosen.resources("AWS::Lambda::EventInvokeConfig").values()

    functions = [json.dumps(mapping["FunctionName"]) for mapping in chosen.mappings]
    assert all(
        alias[name] in function
        for name, function in zip(("fanout", "deliver"), functions, strict=True)
    )
    assert rule["Targets"][0]["Arn"] == {"Ref": alias["scheduler"]}
    assert alias["scheduler"] in json.dumps(invoke["Qualifier"])
    assert [url["Qualifier"] for url in chosen.resources("AWS::Lambda::Url").values()] == [
        "live"
    ] * 2
    permitted = {
        permission["FunctionName"]["Ref"]
        for permission in chosen.resources("AWS::Lambda::Permission").values()
    }
    assert permitted == {alias["ingress"], alias["scheduler"]}


def test_codedeploy_shifts_each_alias_and_goes_back_on_the_alarm(chosen: Blueprint) -> None:
    groups = chosen.resources("AWS::CodeDeploy::DeploymentGroup")
    policies = [
        chosen.template["Resources"][id_]["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
        for id_ in aliases(chosen).values()
    ]

    assert aliases(chosen).keys() == FUNCTIONS
    assert {policy["DeploymentGroupName"]["Ref"] for policy in policies} == groups.keys()
    for group in groups.values():
        assert group["DeploymentConfigName"] == "CodeDeployDefault.LambdaCanary10Percent5Minutes"
        assert "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]
        (rings,) = group["AlarmConfiguration"]["Alarms"]
        alarm = chosen.resources("AWS::CloudWatch::Alarm")[rings["Name"]["Ref"]]
        assert alarm["AlarmName"] == "Lakehook-chosen-ReleaseFailing"


@pytest.mark.parametrize("kind", ["", "_ended"])
def test_failures_of_any_function_set_off_the_alarm_within_a_minute(
    alarm: Alarm, kind: str
) -> None:
    periods = {metric["MetricStat"]["Period"] for metric in alarm.properties["Metrics"][1:]}

    assert (alarm.periods, periods) == (1, {60})
    assert len(alarm.queries) <= MAX_METRICS
    for name in FUNCTIONS:
        metric = alarm.queries[f"{name}{kind}"].metric
        assert alarm.goes_off({metric: [[3.0]]})
        assert not alarm.goes_off({metric: [[2.0]]})


def test_a_changed_parameter_is_a_new_version_of_each_function(chosen: Blueprint) -> None:
    """A version keeps the values with which it was published."""
    digests = [chosen.environment(name).get("PARAMETERS_DIGEST") for name in FUNCTIONS]

    assert digests == ["012345"] * 5


def test_a_stage_that_does_not_ask_for_it_has_no_versions(production: Blueprint) -> None:
    assert not {"AWS::Lambda::Alias", "AWS::Lambda::Version"} & production.types
