"""Each alarm watches what is counted, says what it means, and what to type first."""

from typing import Any

import pytest

from lakehook import metrics
from tests.infra.blueprint import Blueprint

NAMES = {
    "BadEvents",
    "BreakersOpen",
    "ClockSilent",
    "DeadLetters",
    "OldestEvent",
    "OldestHeld",
    "OwnTrouble",
    "PipelinesStalled",
}
COUNTED = {name for key, name in vars(metrics).items() if key.isupper()}


def alarms(blueprint: Blueprint) -> dict[str, Any]:
    """By what the logical id begins with."""
    found = blueprint.resources("AWS::CloudWatch::Alarm")
    return {next(name for name in NAMES if name in id_): one for id_, one in found.items()}


def own_metrics(alarm: dict[str, Any]) -> list[dict[str, Any]]:
    several = [
        one["MetricStat"]["Metric"] for one in alarm.get("Metrics", []) if "MetricStat" in one
    ]
    return [one for one in (*several, alarm) if "AWS/" not in one.get("Namespace", "AWS/")]


def test_these_alarms_wake_people(production: Blueprint) -> None:
    assert alarms(production).keys() == NAMES


@pytest.mark.parametrize("name", sorted(NAMES))
def test_it_says_what_it_means_and_what_to_type_and_tells_the_operators(
    production: Blueprint, name: str
) -> None:
    alarm = alarms(production)[name]
    (topic,) = production.resources("AWS::SNS::Topic")

    meaning, _, first = alarm["AlarmDescription"].partition(" First: ")
    assert meaning.endswith(".")
    assert first
    assert alarm["AlarmActions"] == [{"Ref": topic}]


def test_what_we_watch_of_ours_is_what_the_functions_count(production: Blueprint) -> None:
    watched = [one for alarm in alarms(production).values() for one in own_metrics(alarm)]
    namespaces = {
        function["Environment"]["Variables"]["POWERTOOLS_METRICS_NAMESPACE"]
        for function in production.functions.values()
    }
    services = {
        function["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"]
        for function in production.functions.values()
    }

    assert {one["MetricName"] for one in watched} <= COUNTED
    assert {one["Namespace"] for one in watched} == namespaces
    dimensions = [tuple(one.values()) for metric in watched for one in metric["Dimensions"]]
    assert {name for name, _ in dimensions} == {"service"}
    assert {service for _, service in dimensions} <= services


def test_silence_of_the_clock_is_an_alarm_and_silence_of_the_others_is_none(
    production: Blueprint,
) -> None:
    missing = {name: alarm["TreatMissingData"] for name, alarm in alarms(production).items()}

    assert missing.pop("ClockSilent") == "breaching"
    assert set(missing.values()) == {"notBreaching"}
