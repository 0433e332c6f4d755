"""Each alarm watches what is counted, says what it means and what to type, and rings in time."""

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
"""By the names in the alarm's expression, what one period counted."""

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


def test_these_alarms_wake_people(alarms: Mapping[str, Alarm]) -> None:
    assert alarms.keys() == NAMES == RINGS.keys()


@pytest.mark.parametrize("name", sorted(NAMES))
def test_it_says_what_it_means_and_what_to_type_and_tells_the_operators(
    production: Blueprint, alarms: Mapping[str, Alarm], name: str
) -> None:
    said = alarms[name].properties
    (topic,) = production.resources("AWS::SNS::Topic")

    meaning, _, first = said["AlarmDescription"].partition(" First: ")
    assert meaning.endswith(".")
    assert first.split()[0] in {"aws", "for", "lakehook"}
    assert said["AlarmName"] == f"Lakehook-{name}"
    assert said["AlarmActions"] == said["OKActions"] == [topic]
    assert "ActionsEnabled" not in said


def test_a_stage_may_name_the_topic_that_its_alarms_are_sent_to(chosen: Blueprint) -> None:
    topic = "arn:aws:sns:eu-central-1:210987654321:on-call"

    alarms = alarms_of(chosen.template).values()

    assert {tuple(alarm.properties["AlarmActions"]) for alarm in alarms} == {(topic,)}
    assert chosen.template["Outputs"]["OperatorsTopicArn"]["Value"] == topic
    assert "AWS::SNS::Topic" not in {
        resource["Type"] for resource in chosen.template["Resources"].values()
    }


@pytest.mark.parametrize("name", ["DeadLetters", "InvalidEvents", "SubscriptionsDisabled"])
def test_what_a_person_must_know_each_time_notifies_again_after_a_quiet_period(
    alarms: Mapping[str, Alarm], name: str
) -> None:
    (metric,) = [asked.metric for asked in alarms[name].queries.values()]

    assert not alarms[name].goes_off({metric: [[1.0], []]})
    assert alarms[name].goes_off({metric: [[1.0], [], [1.0]]})


@pytest.mark.parametrize("name", sorted(NAMES))
def test_it_rings_when_it_has_lasted_long_enough_and_not_before(
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


def test_nothing_counted_rings_no_alarm_but_that_of_the_silent_clock(
    alarms: Mapping[str, Alarm],
) -> None:
    assert {name for name, alarm in alarms.items() if alarm.goes_off({})} == {"SchedulerStopped"}


def test_what_is_summed_over_functions_is_looked_for_in_the_log_of_each(
    production: Blueprint, alarms: Mapping[str, Alarm]
) -> None:
    alarm = alarms["InternalErrors"]
    first = alarm.properties["AlarmDescription"].partition(" First: ")[2]

    read = re.match(r"for log in (.+?); do", first)
    assert read
    logs = {
        resolve(production.functions[one]["LoggingConfig"]["LogGroup"])
        for one in {id_.removesuffix("_ended") for id_ in alarm.queries}
    }
    assert set(read[1].split()) == logs
    assert len(logs) > 1


LONGEST_DESCRIPTION = 1024
"""https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html"""

LONGEST_STACK_NAME = "Lakehook-" + "x" * 24
RANDOM_SUFFIX = "-123456789abc"


@pytest.mark.parametrize("name", sorted(NAMES))
def test_what_it_says_fits_where_the_names_in_it_are_longest(
    production: Blueprint, alarms: Mapping[str, Alarm], name: str
) -> None:
    """CloudFormation names a resource after its stack and its logical id."""
    said = alarms[name].properties["AlarmDescription"]
    named = [
        one for one in said.replace(";", " ").split() if one in production.template["Resources"]
    ]

    longer = len(f"{LONGEST_STACK_NAME}-{RANDOM_SUFFIX}") * len(named) + len(LONGEST_STACK_NAME)
    assert len(said) + longer <= LONGEST_DESCRIPTION


@pytest.mark.parametrize("counted", ["trouble", "errors", "throttles"])
def test_a_notice_that_may_be_lost_rings_at_once_and_nothing_else_does(
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
        ((0, 1), (0, 100), False),  # somebody plays DevLake beside one that is heard
        ((), (30,) * 8, False),
        ((), (), False),
    ],
)
def test_a_devlake_with_another_secret_wakes_people(
    alarms: Mapping[str, Alarm], refused: Sequence[int], accepted: Sequence[int], *, rings: bool
) -> None:
    asked = alarms["NotificationsRejected"].queries
    counts = {"refused": refused, "accepted": accepted}

    data = {asked[name].metric: [[float(n)] for n in some] for name, some in counts.items()}
    assert alarms["NotificationsRejected"].goes_off(data) is rings


def test_who_scans_the_internet_wakes_nobody(alarms: Mapping[str, Alarm]) -> None:
    """They are counted, and no alarm looks at that count."""
    watched = {one.metric.name for alarm in alarms.values() for one in alarm.queries.values()}

    assert metrics.NOTIFICATIONS_REJECTED not in watched


def test_of_what_is_refused_in_a_night_people_are_told_once_an_hour_at_most(
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
    few = {"failed": [1] * 19, "attempts": [70] * 19}

    assert not alarm.goes_off(lasting(few, alarm, periods=3))


def test_what_we_watch_of_ours_is_what_the_functions_count(
    production: Blueprint, alarms: Mapping[str, Alarm]
) -> None:
    watched = [one.metric for alarm in alarms.values() for one in alarm.queries.values()]
    ours = [one for one in watched if not one.namespace.startswith("AWS/")]
    variables = [function["Environment"]["Variables"] for function in production.functions.values()]

    assert ours
    assert {our.name for our in ours} <= COUNTED
    assert {our.namespace for our in ours} == {
        variable["POWERTOOLS_METRICS_NAMESPACE"] for variable in variables
    }
    told = [tuple(our.dimensions) for our in ours]
    services = {variable["POWERTOOLS_SERVICE_NAME"] for variable in variables}
    assert all(name == "service" and value in services for ((name, value),) in told)


def test_what_we_watch_of_aws_is_what_aws_documents_of_resources_that_are_here(
    production: Blueprint, alarms: Mapping[str, Alarm]
) -> None:
    types = {"QueueName": "AWS::SQS::Queue", "FunctionName": "AWS::Lambda::Function"}
    for alarm in alarms.values():
        for asked in alarm.queries.values():
            metric = asked.metric
            if metric.namespace.startswith("AWS/"):
                ((dimension, of),) = metric.dimensions
                documented = AWS_OWN[metric.namespace, metric.name]
                assert documented[0] == dimension
                assert asked.unit in (None, documented[1])
                assert of in production.resources(types[dimension])


def test_silence_of_the_clock_is_an_alarm_and_silence_of_the_others_is_none(
    alarms: Mapping[str, Alarm],
) -> None:
    missing = {name: one.properties["TreatMissingData"] for name, one in alarms.items()}

    assert missing.pop("SchedulerStopped") == "breaching"
    assert set(missing.values()) == {"notBreaching"}


def test_no_alarm_asks_for_more_metrics_than_cloudwatch_admits(
    alarms: Mapping[str, Alarm],
) -> None:
    assert max(len(alarm.queries) for alarm in alarms.values()) <= 10


def test_cloudwatch_may_publish_to_the_operators_and_nobody_without_tls(
    production: Blueprint,
) -> None:
    """A policy of one's own replaces the one by which alarms could."""
    (topic,) = production.resources("AWS::SNS::Topic")
    (policy,) = production.resources("AWS::SNS::TopicPolicy").values()
    refuse, admit = policy["PolicyDocument"]["Statement"]

    assert policy["Topics"] == [{"Ref": topic}]
    assert (refuse["Effect"], refuse["Principal"]) == ("Deny", "*")
    assert refuse["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert (admit["Effect"], admit["Action"]) == ("Allow", "sns:Publish")
    assert admit["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert admit["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_an_e_mail_goes_to_whoever_the_parameter_names_and_to_nobody_by_default(
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
    assert [bool(admitted.search(one)) for one in ("-", "on@call.example", "nobody")] == [
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


@pytest.mark.parametrize(("expression", "found", "value"), MISSING)
def test_metric_math_is_read_as_cloudwatch_reads_it(
    expression: str, found: dict[str, float | None], value: float | None
) -> None:
    assert calculate(expression, found) == value


def test_a_metric_is_one_name_under_one_set_of_dimensions() -> None:
    assert Metric.of("L", "Events", service="fanout") != Metric.of("L", "Events", service="x")
