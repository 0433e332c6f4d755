"""The embedded cloud: moto's server in this process, reachable only from this machine.

It has one account and region, whatever the credentials; signatures are not checked. Frequent
actions are called at once, the others as web requests to moto's own applications. DescribeStacks is
the one action of CloudFormation here: moto's would need 200 MB more of packages.
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html
"""

import re
import socket
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from http import HTTPStatus
from io import BytesIO
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs, unquote_to_bytes
from uuid import uuid4

from moto.core.base_backend import BackendDict
from moto.core.model_instances import reset_model_data
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from local import account, cloudwatch, dynamodb, service_models, sqs
from local.account import ACCOUNT_ID, REGION, STACK_NAME, arn
from local.actions import frequent_actions
from local.http_server import Answer, HttpResponse, HttpServer, ServerRequest, later, listening_on

_NAMESPACE = "http://cloudformation.amazonaws.com/doc/2010-05-15/"
if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication, WSGIEnvironment

_SCOPE = re.compile(r"Credential=[^/,]+/(?P<date>\d+)/[^/]+/(?P<service>[^/]+)/")
_NOT_PREFIXED = {"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH"}
_NO_RESPONSE_HEADERS = {"content-length", "connection"}  # the server's own

Headers = list[tuple[str, str]]
_HOST = "127.0.0.1"
"""Loopback only, since callers are not authenticated."""


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


class Gateway:
    """Handler of every request to the cloud, at ``authority``, its host and port."""

    def __init__(self, authority: str, described: Callable[[], Stack | None]) -> None:
        self._authority = authority
        self._described = described
        self._actions = frequent_actions()
        self._dispatcher = DomainDispatcherApplication(create_backend_app)
        self._applications: dict[tuple[str, str], WSGIApplication] = {}

    def __call__(self, request: ServerRequest) -> Answer:
        if serve := self._actions.get(request.headers.get("x-amz-target", "")):
            return serve(request)
        environ = _to_environ(request, self._authority)
        service = _brought_home(environ)
        if service == "cloudformation":
            return describe_stacks(request.body, self._described())
        return later(lambda: _respond(self._application(service, environ), environ))

    def _application(self, service: str, environ: "WSGIEnvironment") -> "WSGIApplication":
        """Cache moto's applications: moto lists its own directory at every request."""
        api, _, _ = environ.get("HTTP_X_AMZ_TARGET", "").partition(".")
        if (service, api) not in self._applications:
            application = self._dispatcher.get_application(environ)
            if not service:
                return application
            self._applications[service, api] = application
        return self._applications[service, api]


def _to_environ(request: ServerRequest, authority: str) -> "WSGIEnvironment":
    """Build the environment of a WSGI application: https://peps.python.org/pep-3333/."""
    path, _, query = request.target.partition("?")
    host, _, port = authority.partition(":")
    headers = {
        _NOT_PREFIXED.get(name) or f"HTTP_{name.upper().replace('-', '_')}": value
        for name, value in request.headers.items()
        if name != "transfer-encoding"  # the body is here as a whole
    }
    return headers | {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query,
        "RAW_URI": request.target,
        "REQUEST_URI": request.target,
        "SERVER_NAME": host,
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_LENGTH": str(len(request.body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(request.body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }


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


def _respond(application: "WSGIApplication", environ: "WSGIEnvironment") -> HttpResponse:
    started: list[tuple[str, Headers]] = []

    def start_response(status: str, headers: Headers, _: Any = None) -> Callable[[bytes], object]:
        started.append((status, headers))
        return lambda _: None

    body = b"".join(application(environ, start_response))
    status, headers = started[-1]
    kept = [each for each in headers if each[0].lower() not in _NO_RESPONSE_HEADERS]
    return HttpResponse(int(status.partition(" ")[0]), body, kept)


class Cloud:
    """An empty cloud. One per process, since moto's memory belongs to the process."""

    def __init__(self, port: int = 0) -> None:
        self._port = port
        self._stack: Stack | None = None
        self._exits = ExitStack()

    @property
    def endpoint_url(self) -> str:
        return f"http://{_HOST}:{self._port}"

    def __enter__(self) -> Self:
        listener = self._exits.enter_context(_listen(self._port))
        self._port = listener.getsockname()[1]
        self._exits.enter_context(account.entered(self.endpoint_url))
        service_models.install()
        sqs.install()
        dynamodb.install()
        cloudwatch.install()
        _forget_everything()
        gateway = Gateway(f"{_HOST}:{self._port}", lambda: self._stack)
        self._exits.callback(HttpServer(listener, gateway).close)
        return self

    def __exit__(self, *_: object) -> None:
        self._exits.close()

    def describe(self, outputs: Mapping[str, str]) -> None:
        """Make DescribeStacks show the stack as created, with these outputs."""
        self._stack = Stack.made(outputs, at_seconds=time.time())

    def client(self, service: str) -> Any:
        return account.client(service, self.endpoint_url)


def _listen(port: int) -> socket.socket:
    """Listen; ``PortTaken`` if another program does."""
    with listening_on(port):
        return socket.create_server((_HOST, port), backlog=128)


def _forget_everything() -> None:
    BackendDict.reset()
    reset_model_data()
