"""HTTP in front of moto: one account and region, connections that stay open, and DescribeStacks.

https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html

moto's CloudFormation would need 200 MB more of packages, and could not create the stack.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from io import BytesIO
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs
from uuid import uuid4

from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)

from local.account import ACCOUNT_ID, REGION, STACK_NAME, arn

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment


_NAMESPACE = "http://cloudformation.amazonaws.com/doc/2010-05-15/"
_OK = "200 OK"
_BAD_REQUEST = "400 Bad Request"

Headers = list[tuple[str, str]]

_SCOPE = re.compile(r"Credential=[^/,]+/(?P<date>\d+)/[^/]+/(?P<service>[^/]+)/")


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


def describe_stacks(body: bytes, stack: Stack | None) -> tuple[str, bytes]:
    """Return status line and XML for a request of the query protocol."""
    form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
    action = form.get("Action", "")
    if action != "DescribeStacks":
        return _refuse("InvalidAction", f"{action or 'This'} is not among the laptop's actions")
    stack_name = form.get("StackName")
    if stack_name is not None and (stack is None or stack_name not in {stack.name, stack.id}):
        return _refuse("ValidationError", f"Stack with id {stack_name} does not exist")
    return _to_xml([stack] if stack else [])


def _refuse(code: str, message: str) -> tuple[str, bytes]:
    error = f"<Type>Sender</Type><Code>{code}</Code><Message>{escape(message)}</Message>"
    request_id = f"<RequestId>{uuid4()}</RequestId>"
    xml = f'<ErrorResponse xmlns="{_NAMESPACE}"><Error>{error}</Error>{request_id}</ErrorResponse>'
    return _BAD_REQUEST, xml.encode()


def _to_xml(stacks: list[Stack]) -> tuple[str, bytes]:
    members = "".join(f"<member>{_stack_xml(stack)}</member>" for stack in stacks)
    result = f"<DescribeStacksResult><Stacks>{members}</Stacks></DescribeStacksResult>"
    metadata = f"<ResponseMetadata><RequestId>{uuid4()}</RequestId></ResponseMetadata>"
    name = "DescribeStacksResponse"
    return _OK, f'<{name} xmlns="{_NAMESPACE}">{result}{metadata}</{name}>'.encode()


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


class KeepAliveHandler(MotoRequestHandler):
    """Keeps connections open, since a new one would cost as much as a request; logs only errors.

    werkzeug closes each connection after one response, since it cannot know whether the request was
    read to its end. Here it always is.
    """

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # sends a response in one piece
    disable_nagle_algorithm = True  # and does not wait for an ACK

    def run_wsgi(self) -> None:
        environ = self.make_environ()
        environ["wsgi.input"] = BytesIO(self._body(environ))
        body = b"".join(self.server.app(environ, self._start_response))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass

    def _body(self, environ: dict[str, Any]) -> bytes:
        if environ.get("wsgi.input_terminated"):  # chunked: the stream knows its end
            return bytes(environ["wsgi.input"].read())
        return self.rfile.read(int(environ.get("CONTENT_LENGTH") or 0))

    def _start_response(
        self, status: str, headers: Headers, _exc_info: Any = None
    ) -> Callable[[bytes], object]:
        code, _, reason = status.partition(" ")
        self.send_response_only(int(code), reason)
        for name, value in headers:
            if name.lower() not in {"content-length", "connection"}:
                self.send_header(name, value)
        return self.wfile.write


class Gateway:
    """A WSGI application. Signatures are not checked, so any credentials work."""

    def __init__(self, described: Callable[[], Stack | None]) -> None:
        self._described = described
        self._dispatcher = DomainDispatcherApplication(create_backend_app)
        self._applications: dict[tuple[str, str], WSGIApplication] = {}

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        service = _brought_home(environ)
        if service == "cloudformation":
            return self._cloudformation(environ, start_response)
        return self._application(service, environ)(environ, start_response)

    def _cloudformation(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        status, xml = describe_stacks(body, self._described())
        headers = [("Content-Type", "text/xml"), ("Content-Length", str(len(xml)))]
        start_response(status, headers)
        return [xml]

    def _application(self, service: str, environ: "WSGIEnvironment") -> "WSGIApplication":
        """Cache moto's applications: moto lists its own directory at every request."""
        api, _, _ = environ.get("HTTP_X_AMZ_TARGET", "").partition(".")
        if (service, api) not in self._applications:
            application = self._dispatcher.get_application(environ)
            if not service:
                return application
            self._applications[service, api] = application
        return self._applications[service, api]


def _brought_home(environ: "WSGIEnvironment") -> str:
    """Rewrite the credential scope to the local account and region; return its service.

    moto prefers the region in the user agent to the scope, so the user agent is removed.
    """
    environ.pop("HTTP_USER_AGENT", None)
    authorization = environ.get("HTTP_AUTHORIZATION", "")
    scope = _SCOPE.search(authorization)
    if scope is None:
        return ""
    at_home = f"Credential={ACCOUNT_ID}/{scope['date']}/{REGION}/{scope['service']}/"
    environ["HTTP_AUTHORIZATION"] = _SCOPE.sub(at_home, authorization)
    return scope["service"]
