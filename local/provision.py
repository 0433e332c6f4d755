"""Provisioning of the empty cloud from the synthesized template, in CloudFormation's calls.

So the laptop runs what is deployed.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING, Any, Self

from local.account import ACCOUNT_ID, REGION, STACK_NAME, arn
from local.template import (
    UNSUPPORTED_RESOURCES,
    BadTemplate,
    Resource,
    Scope,
    dependencies,
    evaluate,
)

_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
_SECONDS = {"minute": 60, "hour": 3600, "day": 86400}
_LAMBDAS_TIMEOUT_SECONDS = 3
_LAMBDAS_MEMORY_MB = 128
_LAMBDAS_BATCH_SIZE = 10
_LAMBDAS_CONCURRENCY = 1000
if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient

Properties = Mapping[str, Any]
ClientFor = Callable[[str], Any]

_MAX_QUEUE_NAME = 80
_NO_QUEUE_ATTRIBUTES = {"QueueName", "Tags"}
_TABLE_ARGUMENTS = {"AttributeDefinitions", "KeySchema", "BillingMode", "LocalSecondaryIndexes"}
_INDEX_ARGUMENTS = {"IndexName", "KeySchema", "Projection"}
Template = Mapping[str, Any]

_QUEUE = "AWS::SQS::Queue"
_FUNCTION = "AWS::Lambda::Function"
_MAPPING = "AWS::Lambda::EventSourceMapping"
_RULE = "AWS::Events::Rule"
_URL = "AWS::Lambda::Url"


@dataclass(frozen=True, kw_only=True)
class FunctionSpec:
    name: str
    handler: str
    environment: Mapping[str, str]
    timeout_seconds: float
    memory_mb: int
    reserved_concurrency: int | None = None

    @property
    def module(self) -> str:
        return self.handler.rpartition(".")[0]

    @property
    def folder(self) -> str:
        """Folder under ``functions``: the handler is ``functions.<folder>.handler.<function>``."""
        return self.handler.split(".")[1]

    @classmethod
    def of(cls, name: str, properties: Mapping[str, Any]) -> Self:
        return cls(
            name=name,
            handler=properties["Handler"],
            environment=properties.get("Environment", {}).get("Variables", {}),
            timeout_seconds=float(properties.get("Timeout", _LAMBDAS_TIMEOUT_SECONDS)),
            memory_mb=int(properties.get("MemorySize", _LAMBDAS_MEMORY_MB)),
            reserved_concurrency=properties.get("ReservedConcurrentExecutions"),
        )


@dataclass(frozen=True, kw_only=True)
class MappingSpec:
    queue_url: str
    queue_arn: str
    function: str
    batch_size: int
    maximum_concurrency: int
    reports_failures: bool

    @classmethod
    def of(cls, properties: Mapping[str, Any], queue_urls: Mapping[str, str]) -> Self:
        arn = properties["EventSourceArn"]
        if arn not in queue_urls:
            raise BadTemplate(f"event source {arn} is not a queue of this template")
        scaling = properties.get("ScalingConfig", {})
        return cls(
            queue_url=queue_urls[arn],
            queue_arn=arn,
            function=_function_name(properties["FunctionName"]),
            batch_size=int(properties.get("BatchSize", _LAMBDAS_BATCH_SIZE)),
            maximum_concurrency=int(scaling.get("MaximumConcurrency", _LAMBDAS_CONCURRENCY)),
            reports_failures="ReportBatchItemFailures"
            in properties.get("FunctionResponseTypes", ()),
        )


@dataclass(frozen=True, kw_only=True)
class UrlSpec:
    """A function URL of any AuthType: locally callers are not authenticated."""

    function: str
    url: str

    @classmethod
    def of(cls, url: str, properties: Mapping[str, Any]) -> Self:
        return cls(function=_function_name(properties["TargetFunctionArn"]), url=url)


@dataclass(frozen=True, kw_only=True)
class ScheduleSpec:
    rule_arn: str
    function: str
    every_seconds: float

    @classmethod
    def all_of(cls, rule_arn: str, properties: Mapping[str, Any]) -> list[Self]:
        """Build one for each target of an enabled rule."""
        if properties.get("State") == "DISABLED":
            return []
        every_seconds = _rate_seconds(properties["ScheduleExpression"])
        return [
            cls(
                rule_arn=rule_arn,
                function=_function_name(target["Arn"]),
                every_seconds=every_seconds,
            )
            for target in properties["Targets"]
        ]


def _rate_seconds(expression: str) -> float:
    rate = _RATE.fullmatch(expression)
    if rate is None:
        raise BadTemplate(f"{expression}: the laptop keeps only rates, rate(1 minute)")
    return float(int(rate[1]) * _SECONDS[rate[2]])


def _function_name(name_or_arn: str) -> str:
    return name_or_arn.rsplit(":", 1)[-1]


@dataclass(frozen=True, kw_only=True)
class ProvisionedStack:
    outputs: Mapping[str, str]
    functions: tuple[FunctionSpec, ...]
    mappings: tuple[MappingSpec, ...]
    schedules: tuple[ScheduleSpec, ...]
    urls: tuple[UrlSpec, ...]


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
    """Convert to text, as SQS expects every attribute: numbers, ``true``, and policies as JSON."""
    return value if isinstance(value, str) else json.dumps(value)


def _table(client_for: ClientFor, name: str, properties: Properties) -> Resource:
    """Create a table of either kind; the replicas of a global one would be in other regions."""
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
        options = properties["GenerateSecretString"]
        secret = secrets_manager.get_random_password(**options)["RandomPassword"]
    arn = secrets_manager.create_secret(
        Name=properties.get("Name", name),
        Description=properties.get("Description", name),
        SecretString=secret,
    )["ARN"]
    return Resource(arn, {"Id": arn})


def _topic(client_for: ClientFor, name: str, _properties: Properties) -> Resource:
    sns: SNSClient = client_for("sns")
    topic_arn = sns.create_topic(Name=name)["TopicArn"]
    return Resource(topic_arn, {"TopicArn": topic_arn, "TopicName": name})


PROVISIONED: dict[str, Callable[[ClientFor, str, Properties], Resource]] = {
    "AWS::SQS::Queue": _queue,
    "AWS::DynamoDB::Table": _table,
    "AWS::DynamoDB::GlobalTable": _table,
    "AWS::KMS::Key": _key,
    "AWS::SecretsManager::Secret": _secret,
    "AWS::SNS::Topic": _topic,
}


def provision(
    template: Template,
    parameters: Mapping[str, str],
    client_for: ClientFor,
    *,
    new_url: Callable[[], str] = lambda: "http://127.0.0.1/",
) -> ProvisionedStack:
    """Create moto's resources in order of dependencies, and read the others from the template."""
    resources: dict[str, Resource] = {}
    scope = Scope(
        _pseudo_parameters() | _parameters(template, parameters),
        resources,
        template.get("Conditions", {}),
    )
    template = _without_unmet_conditions(template, scope)
    for name, body in template["Resources"].items():
        resources[name] = _unsupported(name, body, new_url)
    for name in _dependency_order(template):
        body = template["Resources"][name]
        properties = evaluate(body.get("Properties", {}), scope)
        resources[name] = PROVISIONED[body["Type"]](client_for, _physical(name), properties)
    return _TemplateReader(template, scope).provisioned_stack()


def _without_unmet_conditions(template: Template, scope: Scope) -> Template:
    """Return the template without the resources that CloudFormation would not create either."""
    met = {
        name: body
        for name, body in template["Resources"].items()
        if "Condition" not in body or scope.holds(body["Condition"])
    }
    return {**template, "Resources": met}


def _unsupported(name: str, body: Mapping[str, Any], new_url: Callable[[], str]) -> Resource:
    """Return the references to a resource that moto does not have."""
    match body["Type"]:
        case kind if kind == _FUNCTION:
            name = body["Properties"].get("FunctionName", _physical(name))
            return Resource(name, {"Arn": arn("lambda", f"function:{name}")})
        case kind if kind == _RULE:
            return Resource(_physical(name), {"Arn": arn("events", f"rule/{_physical(name)}")})
        case kind if kind == _URL:
            return Resource(_physical(name), {"FunctionUrl": new_url()})
        case kind if kind in {*PROVISIONED, *UNSUPPORTED_RESOURCES, _MAPPING}:
            service = kind.split("::")[1].lower()
            return Resource(_physical(name), {"Arn": arn(service, _physical(name))})
        case kind:
            raise BadTemplate(f"{name} is of a type the laptop does not know: {kind}")


def _physical(name: str) -> str:
    return f"{STACK_NAME}-{name}"


def _pseudo_parameters() -> dict[str, str]:
    return {
        "AWS::AccountId": ACCOUNT_ID,
        "AWS::Partition": "aws",
        "AWS::Region": REGION,
        "AWS::StackName": STACK_NAME,
        "AWS::StackId": arn("cloudformation", f"stack/{STACK_NAME}/local"),
        "AWS::URLSuffix": "amazonaws.com",
    }


def _parameters(template: Template, values: Mapping[str, str]) -> dict[str, str]:
    declared = template.get("Parameters", {})
    if unknown := values.keys() - declared.keys():
        raise BadTemplate(f"no such parameter: {', '.join(sorted(unknown))}")
    defaults = {name: body["Default"] for name, body in declared.items() if "Default" in body}
    return defaults | dict(values)


def _dependency_order(template: Template) -> Iterable[str]:
    made = {
        name: body for name, body in template["Resources"].items() if body["Type"] in PROVISIONED
    }
    needs = {name: set(dependencies(body)) & made.keys() - {name} for name, body in made.items()}
    return TopologicalSorter(needs).static_order()


class _TemplateReader:
    """Reader of the rest of a template, once all resources exist."""

    def __init__(self, template: Template, scope: Scope) -> None:
        self._template = template
        self._scope = scope

    def provisioned_stack(self) -> ProvisionedStack:
        return ProvisionedStack(
            outputs=self._outputs(),
            functions=tuple(self._functions()),
            mappings=tuple(self._mappings()),
            schedules=tuple(self._schedules()),
            urls=tuple(self._urls()),
        )

    def _outputs(self) -> dict[str, str]:
        outputs = self._template.get("Outputs", {})
        return {name: str(evaluate(body["Value"], self._scope)) for name, body in outputs.items()}

    def _functions(self) -> Iterator[FunctionSpec]:
        for made, properties in self._of_type(_FUNCTION):
            yield FunctionSpec.of(made.ref, properties)

    def _urls(self) -> Iterator[UrlSpec]:
        for made, properties in self._of_type(_URL):
            yield UrlSpec.of(made.attributes["FunctionUrl"], properties)

    def _mappings(self) -> Iterator[MappingSpec]:
        queue_urls = {made.attributes["Arn"]: made.ref for made, _ in self._of_type(_QUEUE)}
        for _, properties in self._of_type(_MAPPING):
            yield MappingSpec.of(properties, queue_urls)

    def _schedules(self) -> Iterator[ScheduleSpec]:
        for made, properties in self._of_type(_RULE):
            yield from ScheduleSpec.all_of(made.attributes["Arn"], properties)

    def _of_type(self, kind: str) -> Iterator[tuple[Resource, Any]]:
        for name, body in self._template["Resources"].items():
            if body["Type"] == kind:
                properties = evaluate(body.get("Properties", {}), self._scope)
                yield self._scope.resources[name], properties
