"""DescribeStacks of CloudFormation, implemented here.

https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html

moto's CloudFormation would need 200 MB more of packages, and could not create the stack.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import Self
from urllib.parse import parse_qs
from uuid import uuid4

from local.account import STACK_NAME, arn

_NAMESPACE = "http://cloudformation.amazonaws.com/doc/2010-05-15/"
_OK = "200 OK"
_BAD_REQUEST = "400 Bad Request"


@dataclass(frozen=True)
class Stack:
    """The created stack, found by name or id."""

    outputs: Mapping[str, str]
    created_at: datetime
    name: str = STACK_NAME

    @property
    def id(self) -> str:
        return arn("cloudformation", f"stack/{self.name}/local")

    @classmethod
    def made(cls, outputs: Mapping[str, str], *, at_seconds: float) -> Self:
        return cls(outputs, datetime.fromtimestamp(at_seconds, UTC))


def answer(body: bytes, stack: Stack | None) -> tuple[str, bytes]:
    """Return status line and XML for a request of the query protocol."""
    form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
    action = form.get("Action", "")
    if action != "DescribeStacks":
        return _refuse("InvalidAction", f"{action or 'This'} is not among the laptop's actions")
    stack_name = form.get("StackName")
    if stack_name is not None and (stack is None or stack_name not in {stack.name, stack.id}):
        return _refuse("ValidationError", f"Stack with id {stack_name} does not exist")
    return _describe([stack] if stack else [])


def _refuse(code: str, message: str) -> tuple[str, bytes]:
    error = f"<Type>Sender</Type><Code>{code}</Code><Message>{escape(message)}</Message>"
    request_id = f"<RequestId>{uuid4()}</RequestId>"
    xml = f'<ErrorResponse xmlns="{_NAMESPACE}"><Error>{error}</Error>{request_id}</ErrorResponse>'
    return _BAD_REQUEST, xml.encode()


def _describe(stacks: list[Stack]) -> tuple[str, bytes]:
    members = "".join(f"<member>{_facts(stack)}</member>" for stack in stacks)
    result = f"<DescribeStacksResult><Stacks>{members}</Stacks></DescribeStacksResult>"
    metadata = f"<ResponseMetadata><RequestId>{uuid4()}</RequestId></ResponseMetadata>"
    name = "DescribeStacksResponse"
    return _OK, f'<{name} xmlns="{_NAMESPACE}">{result}{metadata}</{name}>'.encode()


def _facts(stack: Stack) -> str:
    outputs = "".join(
        f"<member><OutputKey>{escape(key)}</OutputKey>"
        f"<OutputValue>{escape(value)}</OutputValue></member>"
        for key, value in stack.outputs.items()
    )
    return (
        f"<StackId>{escape(stack.id)}</StackId><StackName>{escape(stack.name)}</StackName>"
        f"<CreationTime>{stack.created_at:%Y-%m-%dT%H:%M:%SZ}</CreationTime>"
        f"<StackStatus>CREATE_COMPLETE</StackStatus><Outputs>{outputs}</Outputs>"
    )
