"""Gateway before moto: maps every caller to the one account and region."""

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from local import stack
from local.account import ACCOUNT_ID, REGION

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

_SCOPE = re.compile(r"Credential=[^/,]+/(?P<date>\d+)/[^/]+/(?P<service>[^/]+)/")


class Gateway:
    """A WSGI application. Signatures are not checked, so any credentials work."""

    def __init__(self, described: Callable[[], stack.Stack | None]) -> None:
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
        status, xml = stack.answer(body, self._described())
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
