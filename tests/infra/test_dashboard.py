"""The dashboard: its questions in order, its grid, and the picture of it."""

import json
from itertools import combinations

import pytest

from infra.dashboard_svg import PICTURE, draw_dashboard
from infra.local_template import SNAPSHOT
from tests.cloudwatch import Json, alarms_of, queries_of_widget, resolve
from tests.infra.blueprint import Blueprint
from tests.infra.test_alarms import AWS_OWN

COLUMNS = 24


@pytest.fixture(scope="session")
def widgets(production: Blueprint) -> list[Json]:
    (dashboard,) = production.resources("AWS::CloudWatch::Dashboard").values()
    parsed: list[Json] = json.loads(resolve(dashboard["DashboardBody"]))["widgets"]
    return parsed


def test_the_dashboard_has_the_questions_of_operators_in_order(widgets: list[Json]) -> None:
    texts = [widget["properties"]["markdown"] for widget in widgets if widget["type"] == "text"]

    assert [text.splitlines()[0] for text in texts] == [
        "## Is it healthy?",
        "## Who is failing?",
        "## How late are we?",
        "## What comes in?",
    ]


def test_the_dashboard_shows_every_alarm(production: Blueprint, widgets: list[Json]) -> None:
    (alarm_ids,) = (
        widget["properties"]["alarms"] for widget in widgets if widget["type"] == "alarm"
    )
    alarms = production.resources("AWS::CloudWatch::Alarm")

    assert sorted(alarm_ids) == sorted(f"{id_}.Arn" for id_ in alarms)
    assert len(alarms_of(production.template)) == len(alarm_ids)


def test_no_widget_lies_upon_another_or_outside(widgets: list[Json]) -> None:
    for widget in widgets:
        assert widget["x"] + widget["width"] <= COLUMNS
    for widget, other in combinations(widgets, 2):
        assert (
            widget["x"] + widget["width"] <= other["x"]
            or other["x"] + other["width"] <= widget["x"]
            or widget["y"] + widget["height"] <= other["y"]
            or other["y"] + other["height"] <= widget["y"]
        )


def test_metrics_of_aws_on_the_dashboard_are_documented(
    production: Blueprint, widgets: list[Json]
) -> None:
    types = {"QueueName": "AWS::SQS::Queue", "FunctionName": "AWS::Lambda::Function"}
    metrics = [query.metric for widget in widgets for query in queries_of_widget(widget)]
    aws_metrics = [metric for metric in metrics if metric.namespace.startswith("AWS/")]

    assert aws_metrics
    for metric in aws_metrics:
        ((dimension, resource_id),) = metric.dimensions
        assert AWS_OWN[metric.namespace, metric.name][0] == dimension
        assert resource_id in production.resources(types[dimension])


def test_two_stages_in_one_account_have_two_dashboards(
    production: Blueprint, chosen: Blueprint
) -> None:
    names = [
        next(iter(blueprint.resources("AWS::CloudWatch::Dashboard").values()))["DashboardName"]
        for blueprint in (production, chosen)
    ]

    assert names == ["Lakehook", "Lakehook-chosen"]


def test_the_picture_of_the_dashboard_is_up_to_date() -> None:
    """``python -m infra.dashboard_svg`` draws it."""
    template = json.loads(SNAPSHOT.read_text(encoding="utf-8"))

    assert PICTURE.read_text(encoding="utf-8") == draw_dashboard(template)
