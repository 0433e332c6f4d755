"""Provisioning by the synthesized template, which is read as CloudFormation reads it."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from local.provision import ProvisionedStack, provision
from local.template import BadTemplate, Resource, Scope, dependencies, evaluate

QUEUE_ARN = "arn:aws:sqs:us-east-1:123456789012:events.fifo"
KEY_ARN = "arn:aws:kms:us-east-1:123456789012:key/k"
SECRET_ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:s"

SCOPE = Scope(
    values={"RetrySchedule": "5,300", "AWS::Region": "us-east-1"},
    resources={"Queue": Resource("http://cloud/events.fifo", {"Arn": QUEUE_ARN})},
    conditions={
        "Quick": {"Fn::Equals": [{"Ref": "RetrySchedule"}, "5,300"]},
        "Elsewhere": {"Fn::Not": [{"Fn::Equals": [{"Ref": "AWS::Region"}, "us-east-1"]}]},
        "Either": {"Fn::Or": [{"Fn::Equals": ["a", "b"]}, {"Fn::Equals": ["a", "a"]}]},
    },
)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("plain", "plain"),
        (7, 7),
        ({"Ref": "RetrySchedule"}, "5,300"),
        ({"Ref": "Queue"}, "http://cloud/events.fifo"),
        ({"Fn::GetAtt": ["Queue", "Arn"]}, QUEUE_ARN),
        ({"Fn::GetAtt": "Queue.Arn"}, QUEUE_ARN),
        ({"Fn::Join": ["/", ["a", {"Ref": "AWS::Region"}, 3]]}, "a/us-east-1/3"),
        (
            {"Fn::Sub": "${Queue}|${Queue.Arn}|${!kept}"},
            f"http://cloud/events.fifo|{QUEUE_ARN}|${{kept}}",
        ),
        ({"Fn::Sub": ["${a}-${AWS::Region}", {"a": {"Ref": "RetrySchedule"}}]}, "5,300-us-east-1"),
        ({"Fn::Select": ["1", {"Fn::Split": [",", {"Ref": "RetrySchedule"}]}]}, "300"),
        ({"Fn::Select": [0, ["a", "b"]]}, "a"),
        ({"Fn::If": ["Quick", "yes", {"Ref": "Nobody"}]}, "yes"),
        ({"Fn::If": ["Elsewhere", "yes", "no"]}, "no"),
        ({"Fn::If": ["Either", "yes", "no"]}, "yes"),
        ({"deep": [{"Ref": "AWS::Region"}]}, {"deep": ["us-east-1"]}),
        ({"gone": {"Ref": "AWS::NoValue"}, "kept": 1}, {"kept": 1}),
        (["kept", {"Ref": "AWS::NoValue"}], ["kept"]),
    ],
)
def test_an_expression_has_cloudformations_value(expression: Any, value: Any) -> None:
    assert evaluate(expression, SCOPE) == value


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ({"Ref": "Nobody"}, "Nobody"),
        ({"Fn::GetAtt": ["Nobody", "Arn"]}, "Nobody"),
        ({"Fn::GetAtt": ["Queue", "Colour"]}, "Colour"),
        ({"Fn::If": ["Nowhere", "yes", "no"]}, "Nowhere"),
        ({"Fn::ImportValue": "elsewhere"}, "Fn::ImportValue"),
    ],
)
def test_an_expression_that_cannot_be_evaluated_is_named(expression: Any, names: str) -> None:
    with pytest.raises(BadTemplate, match=names):
        evaluate(expression, SCOPE)


def test_every_kind_of_reference_is_a_dependency() -> None:
    expression = {
        "a": {"Ref": "One"},
        "b": [{"Fn::GetAtt": ["Two", "Arn"]}, {"Fn::GetAtt": "Three.Arn"}],
        "c": {"Fn::Sub": ["${Four.Arn} ${Five} ${!Six}", {"v": {"Ref": "Seven"}}]},
    }

    assert set(dependencies(expression)) == {"One", "Two", "Three", "Four", "Five", "Seven"}


class FakeClients:
    """A client of every service, which creates anything and remembers the requests."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, service: str) -> "FakeClients":
        return self

    def __getattr__(self, operation: str) -> Callable[..., dict[str, Any]]:
        def ask(**request: Any) -> dict[str, Any]:
            self.requests.append((operation, request))
            return {
                "QueueUrl": f"http://cloud/{request.get('QueueName')}",
                "KeyMetadata": {"KeyId": "k", "Arn": KEY_ARN},
                "RandomPassword": "drawn",
                "ARN": SECRET_ARN,
            }

        return ask


def resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": f"AWS::{kind}", "Properties": properties}


def provision_resources(
    resources: dict[str, Any], parameters: Mapping[str, str] | None = None, **sections: Any
) -> tuple[ProvisionedStack, FakeClients]:
    clients = FakeClients()
    furniture = provision({"Resources": resources, **sections}, parameters or {}, clients)
    return furniture, clients


def test_a_dead_letter_queue_is_made_before_the_queue_that_names_it() -> None:
    policy = {"deadLetterTargetArn": {"Fn::GetAtt": ["Zulu", "Arn"]}, "maxReceiveCount": 1000}

    _, clients = provision_resources(
        {
            "Alpha": resource("SQS::Queue", FifoQueue=True, RedrivePolicy=policy),
            "Zulu": resource("SQS::Queue", QueueName="zulu.fifo", FifoQueue=True),
        }
    )

    (_, first), (_, second) = clients.requests
    assert first == {"QueueName": "zulu.fifo", "Attributes": {"FifoQueue": "true"}}
    assert second["QueueName"] == "Lakehook-Alpha.fifo"
    assert second["Attributes"]["RedrivePolicy"] == (
        '{"deadLetterTargetArn": "arn:aws:sqs:us-east-1:123456789012:zulu.fifo", '
        '"maxReceiveCount": 1000}'
    )


@pytest.mark.parametrize("kind", ["DynamoDB::Table", "DynamoDB::GlobalTable"])
def test_a_table_keeps_its_indexes_and_its_time_to_live(kind: str) -> None:
    schema = [{"AttributeName": "lane", "KeyType": "HASH"}]
    index = {"IndexName": "due", "KeySchema": schema, "Projection": {"ProjectionType": "KEYS_ONLY"}}
    ttl = {"AttributeName": "expires_at", "Enabled": True}

    _, clients = provision_resources(
        {
            "Ledger": resource(
                kind,
                KeySchema=schema,
                AttributeDefinitions=[],
                GlobalSecondaryIndexes=[index | {"WarmThroughput": 1}],
                TimeToLiveSpecification=ttl,
                Replicas=[{"Region": "us-east-1"}],
            )
        }
    )

    (_, table), (_, lifetime) = clients.requests
    assert table == {
        "TableName": "Lakehook-Ledger",
        "KeySchema": schema,
        "AttributeDefinitions": [],
        "GlobalSecondaryIndexes": [index],
        "BillingMode": "PAY_PER_REQUEST",
    }
    assert lifetime == {"TableName": "Lakehook-Ledger", "TimeToLiveSpecification": ttl}


def test_a_function_a_mapping_and_a_schedule_come_out_ready_to_run() -> None:
    furniture, _ = provision_resources(
        {
            "Queue": resource("SQS::Queue", QueueName="q.fifo", FifoQueue=True),
            "Fanout": resource(
                "Lambda::Function",
                Handler="functions.fanout.handler.lambda_handler",
                Environment={"Variables": {"QUEUE": {"Ref": "Queue"}}},
                Timeout=30,
                MemorySize=256,
            ),
            "Feed": resource(
                "Lambda::EventSourceMapping",
                EventSourceArn={"Fn::GetAtt": ["Queue", "Arn"]},
                FunctionName={"Ref": "Fanout"},
                BatchSize=5,
                ScalingConfig={"MaximumConcurrency": 2},
                FunctionResponseTypes=["ReportBatchItemFailures"],
            ),
            "Tick": resource(
                "Events::Rule",
                ScheduleExpression="rate(2 minutes)",
                Targets=[{"Id": "t", "Arn": {"Fn::GetAtt": ["Fanout", "Arn"]}}],
            ),
        }
    )

    (function,) = furniture.functions
    (mapping,) = furniture.mappings
    (schedule,) = furniture.schedules
    assert function.name == mapping.function == schedule.function == "Lakehook-Fanout"
    assert function.environment == {"QUEUE": "http://cloud/q.fifo"}
    assert (function.timeout_seconds, function.memory_mb) == (30, 256)
    assert mapping.queue_url == "http://cloud/q.fifo"
    assert (mapping.batch_size, mapping.maximum_concurrency) == (5, 2)
    assert mapping.reports_failures
    assert schedule.every_seconds == 120


def test_a_secret_is_generated_as_the_template_says() -> None:
    terms = {"PasswordLength": 48, "ExcludePunctuation": True}

    furniture, clients = provision_resources(
        {"Secret": resource("SecretsManager::Secret", GenerateSecretString=terms)},
        Outputs={"Secret": {"Value": {"Ref": "Secret"}}},
    )

    names = dict.fromkeys(("Name", "Description"), "Lakehook-Secret")
    assert clients.requests == [
        ("get_random_password", terms),
        ("create_secret", {**names, "SecretString": "drawn"}),
    ]
    assert furniture.outputs["Secret"] == SECRET_ARN


def a_function_url(auth_type: str) -> dict[str, Any]:
    target = {"Fn::GetAtt": ["Ingress", "Arn"]}
    return {
        "Ingress": resource(
            "Lambda::Function",
            Handler="functions.ingress.handler.lambda_handler",
            ReservedConcurrentExecutions=10,
        ),
        "Door": resource("Lambda::Url", AuthType=auth_type, TargetFunctionArn=target),
    }


@pytest.mark.parametrize("auth_type", ["NONE", "AWS_IAM"])
def test_a_function_with_a_url_is_called_where_the_laptop_listens(auth_type: str) -> None:
    furniture, _ = provision_resources(
        a_function_url(auth_type),
        Outputs={"Door": {"Value": {"Fn::GetAtt": ["Door", "FunctionUrl"]}}},
    )

    (function,) = furniture.functions
    (url,) = furniture.urls
    assert function.reserved_concurrency == 10
    assert url.function == function.name == "Lakehook-Ingress"
    assert furniture.outputs["Door"] == "http://127.0.0.1/"


def test_outputs_are_evaluated_with_resources_and_parameters() -> None:
    furniture, _ = provision_resources(
        {"Key": resource("KMS::Key")},
        {"RetrySchedule": "1,2"},
        Parameters={
            "RetrySchedule": {"Type": "String", "Default": "5"},
            "AllowedNetworks": {"Type": "String", "Default": "-"},
        },
        Outputs={
            "Key": {"Value": {"Fn::GetAtt": ["Key", "Arn"]}},
            "Schedule": {"Value": {"Ref": "RetrySchedule"}},
            "Networks": {"Value": {"Ref": "AllowedNetworks"}},
        },
    )

    assert furniture.outputs == {"Key": KEY_ARN, "Schedule": "1,2", "Networks": "-"}


def test_a_resource_whose_condition_does_not_hold_is_not_made() -> None:
    stack, clients = provision_resources(
        {
            "Extra": resource("SQS::Queue", QueueName="extra.fifo") | {"Condition": "Wanted"},
            "Usual": resource("SQS::Queue", QueueName="usual.fifo"),
        },
        Parameters={"Size": {"Default": "small"}},
        Conditions={"Wanted": {"Fn::Equals": [{"Ref": "Size"}, "large"]}},
        Outputs={"Url": {"Value": {"Fn::If": ["Wanted", {"Ref": "Extra"}, "-"]}}},
    )

    assert [request["QueueName"] for _, request in clients.requests] == ["usual.fifo"]
    assert stack.outputs["Url"] == "-"


def test_resources_that_the_laptop_leaves_out_can_be_referred_to() -> None:
    furniture, clients = provision_resources(
        {"Role": resource("IAM::Role")}, Outputs={"Role": {"Value": {"Fn::GetAtt": "Role.Arn"}}}
    )

    assert clients.requests == []
    assert furniture.outputs["Role"].endswith("Lakehook-Role")


@pytest.mark.parametrize(
    ("resources", "parameters", "names"),
    [
        ({"Bus": resource("Events::EventBus")}, {}, r"Bus is of a type .*: AWS::Events::EventBus"),
        ({}, {"Colour": "red"}, "Colour"),
        ({"Tick": resource("Events::Rule", ScheduleExpression="cron(0)", Targets=[])}, {}, "cron"),
    ],
)
def test_an_unknown_resource_or_property_is_named(
    resources: dict[str, Any], parameters: dict[str, str], names: str
) -> None:
    with pytest.raises(BadTemplate, match=names):
        provision_resources(resources, parameters)


def test_a_disabled_rule_invokes_no_function() -> None:
    rule = resource("Events::Rule", State="DISABLED", ScheduleExpression="rate(1 minute)")

    furniture, _ = provision_resources({"Tick": rule})

    assert furniture.schedules == ()
