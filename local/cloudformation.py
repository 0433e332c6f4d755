"""DescribeStacks, the one action of CloudFormation here: moto's would need 200 MB more of packages.

https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from http import HTTPStatus
from typing import Self
from urllib.parse import parse_qs
from uuid import uuid4

from local.account import STACK_NAME, arn
from local.http_server import HttpResponse

_NAMESPACE = "http://cloudformation.amazonaws.com/doc/2010-05-15/"


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


def describe_stacks(body: bytes, stack: Stack | None) -> HttpResponse:
    """Answer a request of the query protocol in XML."""
    form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
    action = form.get("Action", "")
    if action != "DescribeStacks":
        return _refuse("InvalidAction", f"{action or 'This'} is not among the laptop's actions")
    stack_name = form.get("StackName")
    if stack_name is not None and (stack is None or stack_name not in {stack.name, stack.id}):
        return _refuse("ValidationError", f"Stack with id {stack_name} does not exist")
    return _to_xml([stack] if stack else [])


def _refuse(code: str, message: str) -> HttpResponse:
    error = f"<Type>Sender</Type><Code>{code}</Code><Message>{escape(message)}</Message>"
    request_id = f"<RequestId>{uuid4()}</RequestId>"
    xml = f'<ErrorResponse xmlns="{_NAMESPACE}"><Error>{error}</Error>{request_id}</ErrorResponse>'
    return _xml(xml, HTTPStatus.BAD_REQUEST)


def _to_xml(stacks: list[Stack]) -> HttpResponse:
    members = "".join(f"<member>{_stack_xml(stack)}</member>" for stack in stacks)
    result = f"<DescribeStacksResult><Stacks>{members}</Stacks></DescribeStacksResult>"
    metadata = f"<ResponseMetadata><RequestId>{uuid4()}</RequestId></ResponseMetadata>"
    name = "DescribeStacksResponse"
    return _xml(f'<{name} xmlns="{_NAMESPACE}">{result}{metadata}</{name}>')


def _xml(xml: str, status: HTTPStatus = HTTPStatus.OK) -> HttpResponse:
    return HttpResponse(status, xml.encode(), [("Content-Type", "text/xml")])


def _stack_xml(stack: Stack) -> str:
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
