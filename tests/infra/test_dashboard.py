"""The dashboard answers its questions, in order, on one grid, and is drawn as it is."""

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
    found: list[Json] = json.loads(resolve(dashboard["DashboardBody"]))["widgets"]
    return found


def test_it_asks_what_operators_ask(widgets: list[Json]) -> None:
    told = [widget["properties"]["markdown"] for widget in widgets if widget["type"] == "text"]

    assert [one.splitlines()[0] for one in told] == [
        "## Is it healthy?",
        "## Who is failing?",
        "## How late are we?",
        "## What comes in?",
    ]


def test_it_shows_every_alarm(production: Blueprint, widgets: list[Json]) -> None:
    (shown,) = (widget["properties"]["alarms"] for widget in widgets if widget["type"] == "alarm")
    alarms = production.resources("AWS::CloudWatch::Alarm")

    assert sorted(shown) == sorted(f"{id_}.Arn" for id_ in alarms)
    assert len(alarms_of(production.template)) == len(shown)


def test_no_widget_lies_upon_another_or_outside(widgets: list[Json]) -> None:
    for one in widgets:
        assert one["x"] + one["width"] <= COLUMNS
    for one, other in combinations(widgets, 2):
        assert (
            one["x"] + one["width"] <= other["x"]
            or other["x"] + other["width"] <= one["x"]
            or one["y"] + one["height"] <= other["y"]
            or other["y"] + other["height"] <= one["y"]
        )


def test_what_it_shows_of_aws_is_what_aws_documents(
    production: Blueprint, widgets: list[Json]
) -> None:
    types = {"QueueName": "AWS::SQS::Queue", "FunctionName": "AWS::Lambda::Function"}
    shown = [asked.metric for widget in widgets for asked in queries_of_widget(widget)]
    of_aws = [one for one in shown if one.namespace.startswith("AWS/")]

    assert of_aws
    for metric in of_aws:
        ((dimension, of),) = metric.dimensions
        assert AWS_OWN[metric.namespace, metric.name][0] == dimension
        assert of in production.resources(types[dimension])


def test_two_stages_in_one_account_have_two_dashboards(
    production: Blueprint, chosen: Blueprint
) -> None:
    names = [
        next(iter(one.resources("AWS::CloudWatch::Dashboard").values()))["DashboardName"]
        for one in (production, chosen)
    ]

    assert names == ["Lakehook", "Lakehook-chosen"]


def test_the_picture_shows_it_as_it_is() -> None:
    """``python -m infra.dashboard_svg`` draws it anew."""
    template = json.loads(SNAPSHOT.read_text(encoding="utf-8"))

    assert PICTURE.read_text(encoding="utf-8") == draw_dashboard(template)
