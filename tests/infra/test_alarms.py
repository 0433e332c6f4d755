"""Alarms: each watches a metric that exists, says what to do, and goes off in time."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from lakehook import metrics
from tests.cloudwatch import Alarm, Data, Metric, Values, alarms_of, calculate, resolve
from tests.infra.blueprint import Blueprint

NAMES = {
    "InvalidEvents",
    "BreakersOpen",
    "SchedulerStopped",
    "SubscriptionsDisabled",
    "DeadLetters",
    "FailureRate",
    "NotificationsLost",
    "NotificationsRejected",
    "DeadLettersExpiring",
    "OldestHeldLaneAge",
    "InternalErrors",
    "PipelinesStalled",
    "QueuesLate",
    "ReconcileFailing",
}
COUNTED = {name for key, name in vars(metrics).items() if key.isupper()}

AWS_OWN = {
    # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
    ("AWS/SQS", "ApproximateAgeOfOldestMessage"): ("QueueName", "Seconds"),
    ("AWS/SQS", "ApproximateNumberOfMessagesNotVisible"): ("QueueName", "Count"),
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible"): ("QueueName", "Count"),
    # https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
    ("AWS/Lambda", "ConcurrentExecutions"): ("FunctionName", "Count"),
    ("AWS/Lambda", "Duration"): ("FunctionName", "Milliseconds"),
    ("AWS/Lambda", "Errors"): ("FunctionName", "Count"),
    ("AWS/Lambda", "Invocations"): ("FunctionName", "Count"),
    ("AWS/Lambda", "Throttles"): ("FunctionName", "Count"),
}
DAY = 86_400

Counted = Mapping[str, Values]
"""Counts of one period by the names in the alarm's expression."""

RINGS: dict[str, tuple[Counted, Counted]] = {
    # what makes it ring, what does not yet
    "InvalidEvents": ({"m1": [1]}, {"m1": [0]}),
    "BreakersOpen": ({"m1": [0, 1]}, {"m1": [0]}),
    "SchedulerStopped": ({}, {"m1": [1, 1]}),
    "DeadLetters": ({"m1": [1]}, {"m1": [0]}),
    "FailureRate": (
        {"failed": [1] * 11, "attempts": [70] * 20},
        {"failed": [1] * 10, "attempts": [70] * 20},
    ),
    "NotificationsLost": ({"trouble": [1]}, {"trouble": [0], "errors": [0]}),
    "NotificationsRejected": ({"refused": [1]}, {"refused": [1], "accepted": [50]}),
    "DeadLettersExpiring": (
        {"parked": [10 * DAY + 1]},
        {"letters": [10 * DAY], "parked": [10 * DAY]},
    ),
    "OldestHeldLaneAge": ({"m1": [60, DAY + 1]}, {"m1": [DAY]}),
    "InternalErrors": (
        {"fanout": [1] * 3, "scheduler_ended": [1] * 2},
        {"deliver": [1] * 3, "fanout_ended": [1]},
    ),
    "PipelinesStalled": ({"m1": [1]}, {}),
    "QueuesLate": ({"retries": [601]}, {"events": [300], "deliveries": [900], "retries": [600]}),
    "ReconcileFailing": ({"m1": [0, 1801]}, {"m1": [1800]}),
    "SubscriptionsDisabled": ({"m1": [1]}, {"m1": [0]}),
}


@pytest.fixture(scope="session")
def alarms(production: Blueprint) -> Mapping[str, Alarm]:
    return alarms_of(production.template)


def lasting(counted: Counted, alarm: Alarm, *, periods: int) -> Data:
    return {alarm.queries[name].metric: [values] * periods for name, values in counted.items()}


def test_production_has_these_alarms(alarms: Mapping[str, Alarm]) -> None:
    assert alarms.keys() == NAMES == RINGS.keys()


@pytest.mark.parametrize("name", sorted(NAMES))
def test_an_alarm_says_its_meaning_and_first_command_and_notifies_the_operators(
    production: Blueprint, alarms: Mapping[str, Alarm], name: str
) -> None:
    properties = alarms[name].properties
    (topic,) = production.resources("AWS::SNS::Topic")

    meaning, _, first = properties["AlarmDescription"].partition(" First: ")
    assert meaning.endswith(".")
    assert first.split()[0] in {"aws", "for", "lakehook"}
    assert properties["AlarmName"] == f"Lakehook-{name}"
    assert properties["AlarmActions"] == properties["OKActions"] == [topic]
    assert "ActionsEnabled" not in properties


def test_a_stage_may_name_the_topic_that_its_alarms_are_sent_to(chosen: Blueprint) -> None:
    topic = "arn:aws:sns:eu-central-1:210987654321:on-call"

    alarms = alarms_of(chosen.template).values()

    assert {tuple(alarm.properties["AlarmActions"]) for alarm in alarms} == {(topic,)}
    assert chosen.template["Outputs"]["OperatorsTopicArn"]["Value"] == topic
    assert "AWS::SNS::Topic" not in {
        resource["Type"] for resource in chosen.template["Resources"].values()
    }


@pytest.mark.parametrize("name", ["DeadLetters", "InvalidEvents", "SubscriptionsDisabled"])
def test_an_alarm_on_a_single_occurrence_goes_off_again_after_a_quiet_period(
    alarms: Mapping[str, Alarm], name: str
) -> None:
    (metric,) = [query.metric for query in alarms[name].queries.values()]

    assert not alarms[name].goes_off({metric: [[1.0], []]})
    assert alarms[name].goes_off({metric: [[1.0], [], [1.0]]})


@pytest.mark.parametrize("name", sorted(NAMES))
def test_an_alarm_goes_off_when_its_cause_has_lasted_long_enough_and_not_before(
    alarms: Mapping[str, Alarm], name: str
) -> None:
    alarm, (bad, good) = alarms[name], RINGS[name]
    periods, almost = alarm.periods, alarm.breaches_needed - 1

    assert alarm.goes_off(lasting(bad, alarm, periods=periods))
    assert not alarm.goes_off(lasting(good, alarm, periods=periods))
    one_short = {
        alarm.queries[id_].metric: [
            *[good.get(id_, [])] * (periods - almost),
            *[bad.get(id_, [])] * almost,
        ]
        for id_ in alarm.queries
    }
    assert not alarm.goes_off(one_short)


def test_without_metrics_only_the_alarm_of_the_stopped_scheduler_goes_off(
    alarms: Mapping[str, Alarm],
) -> None:
    assert {name for name, alarm in alarms.items() if alarm.goes_off({})} == {"SchedulerStopped"}


def test_an_alarm_over_several_functions_names_the_log_of_each(
    production: Blueprint, alarms: Mapping[str, Alarm]
) -> None:
    alarm = alarms["InternalErrors"]
    first = alarm.properties["AlarmDescription"].partition(" First: ")[2]

    match = re.match(r"for log in (.+?); do", first)
    assert match
    logs = {
        resolve(production.functions[name]["LoggingConfig"]["LogGroup"])
        for name in {id_.removesuffix("_ended") for id_ in alarm.queries}
    }
    assert set(match[1].split()) == logs
    assert len(logs) > 1


LONGEST_DESCRIPTION = 1024
"""https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html"""

LONGEST_STACK_NAME = "Lakehook-" + "x" * 24
RANDOM_SUFFIX = "-123456789abc"


@pytest.mark.parametrize("name", sorted(NAMES))
def test_a_description_fits_with_the_longest_names_in_it(
    production: Blueprint, alarms: Mapping[str, Alarm], name: str
) -> None:
    """CloudFormation names a resource after its stack and its logical id."""
    description = alarms[name].properties["AlarmDescription"]
    ids = [
        word
        for word in description.replace(";", " ").split()
        if word in production.template["Resources"]
    ]

    longer = len(f"{LONGEST_STACK_NAME}-{RANDOM_SUFFIX}") * len(ids) + len(LONGEST_STACK_NAME)
    assert len(description) + longer <= LONGEST_DESCRIPTION


@pytest.mark.parametrize("counted", ["trouble", "errors", "throttles"])
def test_a_possibly_lost_notice_sets_off_its_alarm_at_once_and_no_other(
    alarms: Mapping[str, Alarm], counted: str
) -> None:
    metric = alarms["NotificationsLost"].queries[counted].metric
    data = {metric: [[100.0]]}

    rung = {name for name, alarm in alarms.items() if alarm.goes_off(data)}
    assert rung == {"NotificationsLost", "SchedulerStopped"}


MINUTES_IN_PERIOD = 5
NIGHT: Sequence[int] = (2, 0, 0, 0, 0, 0, 0, 1)
"""Created and running at once, the end 35 minutes later."""


@pytest.mark.parametrize(
    ("refused", "accepted", "rings"),
    [
        (NIGHT, (), True),  # nothing was ever accepted
        (NIGHT, (0,) * 8, True),
        ((1,), (), True),  # a release that posts only the end
        (NIGHT, (30,) * 8, True),  # a second DevLake, with another secret
        ((0, 1), (0, 100), False),  # rejected requests during accepted notices
        ((), (30,) * 8, False),
        ((), (), False),
    ],
)
def test_a_devlake_with_another_secret_sets_off_the_alarm(
    alarms: Mapping[str, Alarm], refused: Sequence[int], accepted: Sequence[int], *, rings: bool
) -> None:
    queries = alarms["NotificationsRejected"].queries
    counts = {"refused": refused, "accepted": accepted}

    data = {queries[name].metric: [[float(n)] for n in hours] for name, hours in counts.items()}
    assert alarms["NotificationsRejected"].goes_off(data) is rings


def test_scans_of_the_internet_set_off_no_alarm(alarms: Mapping[str, Alarm]) -> None:
    """Rejected requests without a signature are counted, and no alarm looks at that count."""
    watched = {query.metric.name for alarm in alarms.values() for query in alarm.queries.values()}

    assert metrics.NOTIFICATIONS_REJECTED not in watched


def test_rejected_notifications_of_a_night_set_the_alarm_off_once_an_hour_at_most(
    alarms: Mapping[str, Alarm],
) -> None:
    alarm = alarms["NotificationsRejected"]
    refused = alarm.queries["refused"].metric

    assert alarm.periods * MINUTES_IN_PERIOD == 60
    for since in range(12):
        assert alarm.goes_off({refused: [[2.0], *[[]] * since]})
    assert not alarm.goes_off({refused: [[2.0], *[[]] * 12]})


def test_no_endpoint_alone_makes_a_failure_rate(alarms: Mapping[str, Alarm]) -> None:
    alarm = alarms["FailureRate"]
    counts = {"failed": [1] * 19, "attempts": [70] * 19}

    assert not alarm.goes_off(lasting(counts, alarm, periods=3))


def test_metrics_of_our_own_that_alarms_watch_are_counted_by_the_functions(
    production: Blueprint, alarms: Mapping[str, Alarm]
) -> None:
    metrics_watched = [
        query.metric for alarm in alarms.values() for query in alarm.queries.values()
    ]
    own_metrics = [metric for metric in metrics_watched if not metric.namespace.startswith("AWS/")]
    variables = [function["Environment"]["Variables"] for function in production.functions.values()]

    assert own_metrics
    assert {metric.name for metric in own_metrics} <= COUNTED
    assert {metric.namespace for metric in own_metrics} == {
        variable["POWERTOOLS_METRICS_NAMESPACE"] for variable in variables
    }
    dimensions = [tuple(metric.dimensions) for metric in own_metrics]
    services = {variable["POWERTOOLS_SERVICE_NAME"] for variable in variables}
    assert all(name == "service" and value in services for ((name, value),) in dimensions)


def test_metrics_of_aws_that_alarms_watch_are_documented_and_of_resources_in_the_stack(
    production: Blueprint, alarms: Mapping[str, Alarm]
) -> None:
    types = {"QueueName": "AWS::SQS::Queue", "FunctionName": "AWS::Lambda::Function"}
    for alarm in alarms.values():
        for query in alarm.queries.values():
            metric = query.metric
            if metric.namespace.startswith("AWS/"):
                ((dimension, resource_id),) = metric.dimensions
                documented = AWS_OWN[metric.namespace, metric.name]
                assert documented[0] == dimension
                assert query.unit in (None, documented[1])
                assert resource_id in production.resources(types[dimension])


def test_missing_data_is_an_alarm_only_for_the_scheduler(
    alarms: Mapping[str, Alarm],
) -> None:
    missing = {name: alarm.properties["TreatMissingData"] for name, alarm in alarms.items()}

    assert missing.pop("SchedulerStopped") == "breaching"
    assert set(missing.values()) == {"notBreaching"}


def test_no_alarm_asks_for_more_metrics_than_cloudwatch_admits(
    alarms: Mapping[str, Alarm],
) -> None:
    assert max(len(alarm.queries) for alarm in alarms.values()) <= 10


def test_cloudwatch_may_publish_to_the_operators_topic_and_only_with_tls(
    production: Blueprint,
) -> None:
    """A policy of our own replaces the default one, by which alarms could."""
    (topic,) = production.resources("AWS::SNS::Topic")
    (policy,) = production.resources("AWS::SNS::TopicPolicy").values()
    refuse, admit = policy["PolicyDocument"]["Statement"]

    assert policy["Topics"] == [{"Ref": topic}]
    assert (refuse["Effect"], refuse["Principal"]) == ("Deny", "*")
    assert refuse["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert (admit["Effect"], admit["Action"]) == ("Allow", "sns:Publish")
    assert admit["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert admit["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_an_e_mail_goes_to_the_address_of_the_parameter_and_to_none_by_default(
    production: Blueprint,
) -> None:
    (id_,) = production.resources("AWS::SNS::Subscription")
    email = production.template["Resources"][id_]
    parameter = production.template["Parameters"]["OperatorsEmail"]

    condition = production.template["Conditions"][email["Condition"]]
    assert condition == {"Fn::Not": [{"Fn::Equals": [{"Ref": "OperatorsEmail"}, "-"]}]}
    assert email["Properties"]["Protocol"] == "email"
    assert email["Properties"]["Endpoint"] == {"Ref": "OperatorsEmail"}
    assert parameter["Default"] == "-"
    admitted = re.compile(parameter["AllowedPattern"])
    assert [bool(admitted.search(address)) for address in ("-", "on@call.example", "nobody")] == [
        True,
        True,
        False,
    ]


MISSING: Sequence[tuple[str, dict[str, float | None], Any]] = [
    ("SUM([FILL(a, 0), FILL(b, 0)])", {"a": 2, "b": None}, 2),
    ("SUM([FILL(a, 0)])", {"a": None}, None),
    ("MAX([FILL(a, 0) / 10, FILL(b, 0)])", {"a": 50, "b": 4}, 5),
    ("IF(a >= 20, 100 * b / a, 0)", {"a": 40, "b": 10}, 25),
    ("IF(a >= 20, 100 * b / a, 0)", {"a": 19, "b": 19}, 0),
    ("IF(a >= 20, 100 * b / a, 0)", {"a": 40, "b": None}, None),
]


@pytest.mark.parametrize(("expression", "readings", "value"), MISSING)
def test_metric_math_is_read_as_cloudwatch_reads_it(
    expression: str, readings: dict[str, float | None], value: float | None
) -> None:
    assert calculate(expression, readings) == value


def test_a_metric_is_one_name_under_one_set_of_dimensions() -> None:
    assert Metric.of("L", "Events", service="fanout") != Metric.of("L", "Events", service="x")
