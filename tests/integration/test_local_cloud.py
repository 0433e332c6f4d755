"""The embedded cloud serves any SDK on this machine, and nobody else."""

import os
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.exceptions import ClientError

from local.cloud import Cloud


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with Cloud() as cloud:
        yield cloud


def test_describe_stacks_has_the_outputs(cloud: Cloud) -> None:
    cloud.describe({"EventsQueueUrl": "http://cloud/events.fifo", "Odd": "<&>\"'"})

    (stack,) = boto3.client("cloudformation").describe_stacks(StackName="Lakehook")["Stacks"]

    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]} == {
        "EventsQueueUrl": "http://cloud/events.fifo",
        "Odd": "<&>\"'",
    }


@pytest.mark.parametrize("described", [True, False])
def test_an_unknown_stack_is_refused_with_the_error_of_cloudformation(
    cloud: Cloud, *, described: bool
) -> None:
    if described:
        cloud.describe({})

    with pytest.raises(ClientError) as refused:
        boto3.client("cloudformation").describe_stacks(StackName="Elsewhere")

    assert refused.value.response["Error"]["Code"] == "ValidationError"
    assert refused.value.response["Error"]["Message"] == "Stack with id Elsewhere does not exist"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_any_region_and_any_credentials_see_the_same_queues(cloud: Cloud) -> None:
    url = cloud.client("sqs").create_queue(QueueName="events")["QueueUrl"]

    stranger = boto3.client(
        "sqs",
        endpoint_url=cloud.endpoint_url,
        region_name="eu-central-1",
        aws_access_key_id="AKIA0000000000000000",
        aws_secret_access_key="anything",
        aws_session_token="anything",
    )

    assert stranger.get_queue_url(QueueName="events")["QueueUrl"] == url
    assert stranger.list_queues()["QueueUrls"] == [url]
    assert urlsplit(url).netloc == urlsplit(cloud.endpoint_url).netloc


def test_a_users_aws_configuration_does_not_lead_to_another_endpoint(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "does-not-exist")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    before = dict(os.environ)  # noqa: TID251  the point

    with Cloud():
        assert boto3.client("sqs").list_queues().get("QueueUrls", []) == []

    assert dict(os.environ) == before  # noqa: TID251  the point


def test_only_this_machine_can_call(cloud: Cloud) -> None:
    port = urlsplit(cloud.endpoint_url).port or 0

    with socket.create_server(("127.0.0.2", port)):
        pass  # had the cloud listened on every address, this one would be taken


def test_binary_values_come_back_as_they_were_put(cloud: Cloud) -> None:
    dynamodb = cloud.client("dynamodb")
    dynamodb.create_table(
        TableName="items",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    item = {"id": {"S": "a"}, "one": {"B": b"\0\xff"}, "in": {"M": {"several": {"BS": [b"\1"]}}}}

    dynamodb.put_item(TableName="items", Item=item)

    assert dynamodb.get_item(TableName="items", Key={"id": {"S": "a"}})["Item"] == item
    sqs = cloud.client("sqs")
    url = sqs.create_queue(QueueName="binary.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    sqs.send_message(
        QueueUrl=url,
        MessageBody="body",
        MessageGroupId="a",
        MessageDeduplicationId="a",
        MessageAttributes={"bytes": {"DataType": "Binary", "BinaryValue": b"\0\xff"}},
    )
    (message,) = sqs.receive_message(QueueUrl=url, MessageAttributeNames=["All"])["Messages"]
    assert message["MessageAttributes"]["bytes"]["BinaryValue"] == b"\0\xff"


def test_refusals_have_the_codes_that_clients_know(cloud: Cloud) -> None:
    sqs, dynamodb = cloud.client("sqs"), cloud.client("dynamodb")

    with pytest.raises(sqs.exceptions.QueueDoesNotExist) as refused:
        sqs.send_message(QueueUrl=f"{cloud.endpoint_url}/123456789012/no", MessageBody="body")
    with pytest.raises(dynamodb.exceptions.ResourceNotFoundException):
        dynamodb.get_item(TableName="no", Key={"id": {"S": "a"}})

    assert refused.value.response["Error"]["QueryErrorCode"]
