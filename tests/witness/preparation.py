"""Preparation of the template: parts that the witness needs in another form or without, and why."""

from collections.abc import Iterator
from typing import Any

from tests.infra.blueprint import as_list

Json = dict[str, Any]

UNKNOWN = {
    "AWS::CloudWatch::CompositeAlarm": "it has no such alarms",
    "AWS::Logs::QueryDefinition": "it has no such queries",
}

BATCHES = ("sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:SendMessage")
"""AWS asks for a batch by the same name; the witness asks for ``sqs:SendMessageBatch``."""

PARTIQL = {
    "Effect": "Allow",
    "Action": "dynamodb:BatchExecuteStatement",
    "Resource": "*",
}
"""AWS asks for each statement's action on its table; the witness for this, and for no table.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-iam.html
"""

BY_SESSION = {"ArnEquals": "ArnLike", "ArnNotEquals": "ArnNotLike"}
"""On AWS ``aws:PrincipalArn`` is the role's ARN; the witness gives the session's.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
"""


def prepare(template: Json) -> Json:
    resources = {
        name: resource
        for name, resource in template["Resources"].items()
        if not _is_unknown(resource)
    }
    for document in _documents(resources):
        for statement in document["Statement"]:
            _name_batches(statement)
            _name_sessions(statement)
        if "dynamodb:PartiQL" in str(document):
            document["Statement"].append(PARTIQL)
    return {**template, "Resources": resources}


def _is_unknown(resource: Json) -> bool:
    """Tell whether the witness refuses the stack for it, as it does for alarms that calculate."""
    calculates = resource["Type"] == "AWS::CloudWatch::Alarm" and "Metrics" in str(
        resource["Properties"].keys()
    )
    return calculates or resource["Type"] in UNKNOWN


def _documents(resources: Json) -> Iterator[Json]:
    for resource in resources.values():
        properties = resource.get("Properties", {})
        documents = (properties.get("PolicyDocument"), properties.get("KeyPolicy"))
        yield from (document for document in documents if document)


def _name_batches(statement: Json) -> None:
    actions = as_list(statement["Action"])
    statement["Action"] = actions + [f"{action}Batch" for action in actions if action in BATCHES]


def _name_sessions(statement: Json) -> None:
    conditions = statement.get("Condition", {})
    for exact, like in BY_SESSION.items():
        if "aws:PrincipalArn" in conditions.get(exact, {}):
            roles = as_list(conditions.pop(exact)["aws:PrincipalArn"])
            conditions[like] = {"aws:PrincipalArn": [_session_of(role) for role in roles]}


def _session_of(role: Any) -> Json:
    name = role["Fn::GetAtt"][0]
    return {"Fn::Sub": f"arn:aws:sts::${{AWS::AccountId}}:assumed-role/${{{name}}}/*"}
