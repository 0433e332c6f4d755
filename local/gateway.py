"""The cloud's HTTP: one account and region, whatever the credentials; signatures are not checked.

Frequent actions are called at once, the others as web requests to moto's own applications.
"""

import re
import sys
from collections.abc import Callable
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from local.account import ACCOUNT_ID, REGION
from local.actions import frequent_actions
from local.cloudformation import Stack, describe_stacks
from local.http_server import Answer, HttpResponse, ServerRequest, later

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication, WSGIEnvironment

_SCOPE = re.compile(r"Credential=[^/,]+/(?P<date>\d+)/[^/]+/(?P<service>[^/]+)/")
_NOT_PREFIXED = {"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH"}
_NO_RESPONSE_HEADERS = {"content-length", "connection"}  # the server's own

Headers = list[tuple[str, str]]


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
