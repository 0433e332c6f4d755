"""Alarms, dashboard and queries use metrics and fields that the running functions write."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from local.function import ROOT
from tests.cloudwatch import Json, Metric, MetricQuery, alarms_of, queries_of_widget, resolve
from tests.observed.function_log import FunctionLog
from tests.observed.scenario import play

TEMPLATE: Json = json.loads((ROOT / "local" / "template.json").read_text(encoding="utf-8"))
"""What is deployed; another test holds the file to the blueprint."""

ALARMS = alarms_of(TEMPLATE)
A_METRIC_IN_DOLLARS = 0.30  # a month, https://aws.amazon.com/cloudwatch/pricing/
WORDS_OF_THE_LANGUAGE = frozenset(
    ("and", "as", "asc", "by", "desc", "fields", "filter", "like", "limit", "or", "sort", "stats")
) | {"count", "count_distinct", "max", "pct"}


@pytest.fixture(scope="module")
def function_log(tmp_path_factory: pytest.TempPathFactory) -> FunctionLog:
    log = tmp_path_factory.mktemp("observed") / "functions.log"
    log.touch()
    function_log = FunctionLog(log)
    play(function_log)
    return function_log


def properties_of(resource_type: str) -> list[Json]:
    resources = TEMPLATE["Resources"].values()
    return [
        resolve(resource["Properties"])
        for resource in resources
        if resource["Type"] == resource_type
    ]


def widgets() -> list[Json]:
    (dashboard,) = properties_of("AWS::CloudWatch::Dashboard")
    widgets_: list[Json] = json.loads(dashboard["DashboardBody"])["widgets"]
    return widgets_


def custom_metrics(queries: Iterator[MetricQuery]) -> list[MetricQuery]:
    custom = [query for query in queries if not query.metric.namespace.startswith("AWS/")]
    assert custom
    return custom


def test_each_metric_that_an_alarm_watches_was_counted_in_its_unit(function_log: FunctionLog):
    for query in custom_metrics(
        query for alarm in ALARMS.values() for query in alarm.queries.values()
    ):
        assert function_log.units.get(query.metric) == {query.unit}, query


def test_each_metric_of_the_dashboard_was_counted(function_log: FunctionLog):
    dashboard_queries = custom_metrics(
        query for widget in widgets() for query in queries_of_widget(widget)
    )

    assert {query.metric for query in dashboard_queries} <= function_log.values.keys()


@pytest.mark.parametrize("name", ["BreakersOpen", "PipelinesStalled"])
def test_failures_that_lasted_would_raise_their_alarm(function_log: FunctionLog, name: str):
    alarm = ALARMS[name]
    periods = int(alarm.properties["EvaluationPeriods"])

    assert alarm.goes_off(
        {metric: [values] * periods for metric, values in function_log.values.items()}
    )


def fields_of(query: str) -> set[str]:
    bare = re.sub(r'"[^"]*"|#.*', " ", query)
    aliases = set(re.findall(r"\bas (\w+)", bare))
    return set(re.findall(r"(?<!@)\b[a-z_]\w*", bare)) - aliases - WORDS_OF_THE_LANGUAGE


def services_by_log() -> Mapping[str, str]:
    return {
        function["LoggingConfig"]["LogGroup"]: function["Environment"]["Variables"][
            "POWERTOOLS_SERVICE_NAME"
        ]
        for function in properties_of("AWS::Lambda::Function")
    }


@pytest.mark.parametrize(
    "question", properties_of("AWS::Logs::QueryDefinition"), ids=lambda query: query["Name"]
)
def test_each_saved_query_asks_for_fields_that_these_functions_write(
    function_log: FunctionLog, question: Json
):
    services = {services_by_log()[log] for log in question["LogGroupNames"]}
    lines = [line for line in function_log.messages if line["service"] in services]
    written = {name for line in lines for name in line}
    query = question["QueryString"]

    assert fields_of(query) - written == set()
    for message in re.findall(r'message = "(\w+)"', query):
        assert message in {line["message"] for line in lines}
    assert {line["service"] for line in lines} == services


def test_the_dashboard_asks_the_logs_what_a_saved_query_asks():
    (log_query,) = (
        widget["properties"]["query"] for widget in widgets() if widget["type"] == "log"
    )
    saved = {query["QueryString"] for query in properties_of("AWS::Logs::QueryDefinition")}

    assert log_query.rpartition("' | ")[2] in saved


def documented() -> dict[str, set[str]]:
    """Return the documented metrics, by function."""
    text = (ROOT / "docs" / "observability.md").read_text(encoding="utf-8")
    _, _, table = text.partition("| function | metrics |\n")
    rows = re.findall(r"^\| `(\w+)` \| (`\w+`.*?) \|$", table.partition("\n\n")[0], re.MULTILINE)
    return {service: set(re.findall(r"`(\w+)`", metrics)) for service, metrics in rows}


def test_each_function_and_name_is_one_paid_metric_as_documented(function_log: FunctionLog):
    counted: dict[str, set[str]] = {}
    for metric in function_log.values:
        ((dimension, service),) = metric.dimensions
        assert dimension == "service"
        counted.setdefault(service, set()).add(metric.name)
    number = sum(map(len, counted.values()))
    text = (ROOT / "docs" / "observability.md").read_text(encoding="utf-8")

    assert documented() == counted
    assert f"{number} metrics" in text
    assert f"${number * A_METRIC_IN_DOLLARS:.2f} a month" in text


def test_one_line_for_each_event_and_each_attempt(function_log: FunctionLog):
    def messages(message: str) -> list[Mapping[str, Any]]:
        return [line for line in function_log.messages if line["message"] == message]

    counted: dict[str, int] = {}
    for metric, values in function_log.values.items():
        counted[metric.name] = counted.get(metric.name, 0) + int(sum(values))
    assert len(messages("event_fanned_out")) == counted["Events"] + counted["EventsRedelivered"]
    assert (
        len(messages("delivery_attempted"))
        == counted["DeliveriesDelivered"] + counted["AttemptsFailed"]
    )


def test_a_metric_in_the_embedded_format_is_read_by_its_dimensions(tmp_path: Path):
    log = tmp_path / "log"
    log.write_text(
        '{"_aws":{"CloudWatchMetrics":[{"Namespace":"L","Dimensions":[["service"]],"Metrics":'
        '[{"Name":"Events","Unit":"Count"}]}]},"service":"fanout","Events":[1.0,2.0]}'
        '{"message":"told"}\n\n{"mess'
    )
    function_log = FunctionLog(log)

    assert function_log.values == {Metric.of("L", "Events", service="fanout"): [1.0, 2.0]}
    assert function_log.messages == [{"message": "told"}]
