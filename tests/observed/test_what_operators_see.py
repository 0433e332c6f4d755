"""Alarms, dashboard and queries ask for what the functions, when they run, really say."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from local.function import ROOT
from tests.cloudwatch import Json, Metric, MetricQuery, alarms_of, queries_of_widget, resolve
from tests.observed.heard import Heard
from tests.observed.story import play

TEMPLATE: Json = json.loads((ROOT / "local" / "template.json").read_text(encoding="utf-8"))
"""What is deployed; another test holds the file to the blueprint."""

ALARMS = alarms_of(TEMPLATE)
A_METRIC_IN_DOLLARS = 0.30  # a month, https://aws.amazon.com/cloudwatch/pricing/
WORDS_OF_THE_LANGUAGE = frozenset(
    ("and", "as", "asc", "by", "desc", "fields", "filter", "like", "limit", "or", "sort", "stats")
) | {"count", "count_distinct", "max", "pct"}


@pytest.fixture(scope="module")
def heard(tmp_path_factory: pytest.TempPathFactory) -> Heard:
    log = tmp_path_factory.mktemp("observed") / "functions.log"
    log.touch()
    heard = Heard(log)
    play(heard)
    return heard


def properties_of(resource_type: str) -> list[Json]:
    resources = TEMPLATE["Resources"].values()
    return [
        resolve(resource["Properties"])
        for resource in resources
        if resource["Type"] == resource_type
    ]


def widgets() -> list[Json]:
    (dashboard,) = properties_of("AWS::CloudWatch::Dashboard")
    found: list[Json] = json.loads(dashboard["DashboardBody"])["widgets"]
    return found


def ours(asked: Iterator[MetricQuery]) -> list[MetricQuery]:
    found = [one for one in asked if not one.metric.namespace.startswith("AWS/")]
    assert found
    return found


def test_each_metric_that_an_alarm_watches_was_counted_in_its_unit(heard: Heard):
    for asked in ours(one for alarm in ALARMS.values() for one in alarm.queries.values()):
        assert heard.units.get(asked.metric) == {asked.unit}, asked


def test_each_metric_of_the_dashboard_was_counted(heard: Heard):
    shown = ours(one for widget in widgets() for one in queries_of_widget(widget))

    assert {one.metric for one in shown} <= heard.values.keys()


@pytest.mark.parametrize("name", ["BreakersOpen", "PipelinesStalled"])
def test_what_went_wrong_would_have_rung_had_it_lasted(heard: Heard, name: str):
    alarm = ALARMS[name]
    periods = int(alarm.properties["EvaluationPeriods"])

    assert alarm.goes_off({metric: [values] * periods for metric, values in heard.values.items()})


def fields_of(query: str) -> set[str]:
    bare = re.sub(r'"[^"]*"|#.*', " ", query)
    aliases = set(re.findall(r"\bas (\w+)", bare))
    return set(re.findall(r"(?<!@)\b[a-z_]\w*", bare)) - aliases - WORDS_OF_THE_LANGUAGE


def services_by_log() -> Mapping[str, str]:
    return {
        one["LoggingConfig"]["LogGroup"]: one["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"]
        for one in properties_of("AWS::Lambda::Function")
    }


@pytest.mark.parametrize(
    "question", properties_of("AWS::Logs::QueryDefinition"), ids=lambda one: one["Name"]
)
def test_each_saved_query_asks_for_fields_that_these_functions_write(heard: Heard, question: Json):
    services = {services_by_log()[log] for log in question["LogGroupNames"]}
    lines = [line for line in heard.told if line["service"] in services]
    written = {name for line in lines for name in line}
    query = question["QueryString"]

    assert fields_of(query) - written == set()
    for message in re.findall(r'message = "(\w+)"', query):
        assert message in {line["message"] for line in lines}
    assert {line["service"] for line in lines} == services


def test_the_dashboard_asks_the_logs_what_a_saved_query_asks():
    (asked,) = (widget["properties"]["query"] for widget in widgets() if widget["type"] == "log")
    saved = {one["QueryString"] for one in properties_of("AWS::Logs::QueryDefinition")}

    assert asked.rpartition("' | ")[2] in saved


def documented() -> dict[str, set[str]]:
    """The table of metrics, by function."""
    text = (ROOT / "docs" / "observability.md").read_text(encoding="utf-8")
    _, _, table = text.partition("| function | metrics |\n")
    rows = re.findall(r"^\| `(\w+)` \| (`\w+`.*?) \|$", table.partition("\n\n")[0], re.MULTILINE)
    return {service: set(re.findall(r"`(\w+)`", metrics)) for service, metrics in rows}


def test_what_is_paid_for_is_one_metric_for_each_function_and_name(heard: Heard):
    counted: dict[str, set[str]] = {}
    for metric in heard.values:
        ((dimension, service),) = metric.dimensions
        assert dimension == "service"
        counted.setdefault(service, set()).add(metric.name)
    number = sum(map(len, counted.values()))
    text = (ROOT / "docs" / "observability.md").read_text(encoding="utf-8")

    assert documented() == counted
    assert f"{number} metrics" in text
    assert f"${number * A_METRIC_IN_DOLLARS:.2f} a month" in text


def test_one_line_for_each_event_and_each_attempt(heard: Heard):
    def told(message: str) -> list[Mapping[str, Any]]:
        return [line for line in heard.told if line["message"] == message]

    counted: dict[str, int] = {}
    for metric, values in heard.values.items():
        counted[metric.name] = counted.get(metric.name, 0) + int(sum(values))
    assert len(told("event_fanned_out")) == counted["Events"] + counted["EventsRedelivered"]
    assert (
        len(told("delivery_attempted"))
        == counted["DeliveriesDelivered"] + counted["AttemptsFailed"]
    )


def test_a_metric_in_the_embedded_format_is_read_by_its_dimensions(tmp_path: Path):
    log = tmp_path / "log"
    log.write_text(
        '{"_aws":{"CloudWatchMetrics":[{"Namespace":"L","Dimensions":[["service"]],"Metrics":'
        '[{"Name":"Events","Unit":"Count"}]}]},"service":"fanout","Events":[1.0,2.0]}'
        '{"message":"told"}\n\n{"mess'
    )
    heard = Heard(log)

    assert heard.values == {Metric.of("L", "Events", service="fanout"): [1.0, 2.0]}
    assert heard.told == [{"message": "told"}]
