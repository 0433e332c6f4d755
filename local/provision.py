"""The resources that moto holds for us, made by the calls that CloudFormation would make."""

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from local.account import arn
from local.scope import Resource

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sqs import SQSClient

Properties = Mapping[str, Any]
ClientFor = Callable[[str], Any]

_MAX_QUEUE_NAME = 80
_NO_QUEUE_ATTRIBUTES = {"QueueName", "Tags"}
_TABLE_ARGUMENTS = {"AttributeDefinitions", "KeySchema", "BillingMode", "LocalSecondaryIndexes"}
_INDEX_ARGUMENTS = {"IndexName", "KeySchema", "Projection"}


def _queue(client_for: ClientFor, name: str, properties: Properties) -> Resource:
    sqs: SQSClient = client_for("sqs")
    attributes: Any = {
        key: _attribute(value)
        for key, value in properties.items()
        if key not in _NO_QUEUE_ATTRIBUTES
    }
    queue_name = properties.get("QueueName") or _queue_name(name, properties)
    url = sqs.create_queue(QueueName=queue_name, Attributes=attributes)["QueueUrl"]
    return Resource(url, {"Arn": arn("sqs", queue_name), "QueueName": queue_name})


def _queue_name(name: str, properties: Properties) -> str:
    suffix = ".fifo" if properties.get("FifoQueue") else ""
    return name[: _MAX_QUEUE_NAME - len(suffix)] + suffix


def _attribute(value: Any) -> str:
    """SQS takes every attribute as text: numbers, ``true``, and policies as JSON."""
    return value if isinstance(value, str) else json.dumps(value)


def _table(client_for: ClientFor, name: str, properties: Properties) -> Resource:
    """Tables of both kinds; the replicas of a global one would be in other regions."""
    dynamodb: DynamoDBClient = client_for("dynamodb")
    name = properties.get("TableName") or name
    arguments = _only(_TABLE_ARGUMENTS, properties)
    if indexes := properties.get("GlobalSecondaryIndexes"):
        arguments["GlobalSecondaryIndexes"] = [_only(_INDEX_ARGUMENTS, index) for index in indexes]
    arguments.setdefault("BillingMode", "PAY_PER_REQUEST")
    dynamodb.create_table(TableName=name, **arguments)
    if ttl := properties.get("TimeToLiveSpecification"):
        dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification=ttl)
    return Resource(name, {"Arn": arn("dynamodb", f"table/{name}")})


def _only(names: set[str], properties: Properties) -> dict[str, Any]:
    return {name: properties[name] for name in names & properties.keys()}


def _key(client_for: ClientFor, name: str, properties: Properties) -> Resource:
    kms: KMSClient = client_for("kms")
    key = kms.create_key(
        Description=properties.get("Description", name),
        KeySpec=properties.get("KeySpec", "SYMMETRIC_DEFAULT"),
        KeyUsage=properties.get("KeyUsage", "ENCRYPT_DECRYPT"),
    )["KeyMetadata"]
    return Resource(key["KeyId"], {"Arn": key["Arn"], "KeyId": key["KeyId"]})


def _secret(client_for: ClientFor, name: str, properties: Properties) -> Resource:
    secrets_manager: SecretsManagerClient = client_for("secretsmanager")
    secret = properties.get("SecretString")
    if secret is None:
        wanted = properties["GenerateSecretString"]
        secret = secrets_manager.get_random_password(**wanted)["RandomPassword"]
    arn = secrets_manager.create_secret(
        Name=properties.get("Name", name),
        Description=properties.get("Description", name),
        SecretString=secret,
    )["ARN"]
    return Resource(arn, {"Id": arn})


PROVISIONED: dict[str, Callable[[ClientFor, str, Properties], Resource]] = {
    "AWS::SQS::Queue": _queue,
    "AWS::DynamoDB::Table": _table,
    "AWS::DynamoDB::GlobalTable": _table,
    "AWS::KMS::Key": _key,
    "AWS::SecretsManager::Secret": _secret,
}
