"""HTTP transport: one POST to a checked address, and nothing else.

The host is resolved once and every address checked. The connection goes to an allowed address, with
the host's name kept for TLS and ``Host``. There is no session, so there are no proxies from the
environment, no ``.netrc``, no cookies, no redirects and no repeats. One table maps the libraries'
exceptions to outcomes.
"""

import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from http.client import HTTPException
from time import monotonic

import certifi
from urllib3 import exceptions as urllib3
from urllib3.exceptions import HTTPError

from lakehook.adapters.http.connection import ConnectionPool
from lakehook.adapters.http.dns import DnsResolver, resolve
from lakehook.adapters.http.response import RequestDeadline, ResponseTooLarge, StrictHTTPResponse
from lakehook.adapters.http.tls import (
    TlsContext,
    TlsContexts,
    describe_tls_error,
    is_unknown_authority,
)
from lakehook.domain.attempt import Outcome, Response
from lakehook.domain.destination import Request
from lakehook.domain.errors import InvalidEndpoint
from lakehook.domain.ssrf_policy import Network
from lakehook.ports.outbound import NoResponse, ResolveHost

# The first row with a match in the chain of causes, outermost first, decides.
_NAMES: tuple[tuple[type[BaseException], Outcome], ...] = (
    (ConnectionRefusedError, Outcome.REFUSED),
    (urllib3.NewConnectionError, Outcome.REFUSED),  # a subclass of urllib3's timeout
    (urllib3.TimeoutError, Outcome.TIMED_OUT),
    (TimeoutError, Outcome.TIMED_OUT),
    (ssl.SSLError, Outcome.TLS_FAILED),
)
MAX_RESPONSE_BYTES = 64 * 1024
_NO_CA_BUNDLE = "the stage's CA bundle could not be read, and no public authority is the receiver's"
"""Our fault: reported as throttling, the endpoint is probed, and only probes spend budget."""


class HttpTransport:
    def __init__(
        self,
        allowed_networks: Sequence[Network] = (),
        *,
        resolve: ResolveHost = resolve,
        authorities: str | None = None,
        ca_bundle: Callable[[], str | None] | None = None,
    ) -> None:
        """Create the transport; ``authorities`` is a file of trusted CAs, by default Mozilla's.

        ``ca_bundle`` returns further ones in PEM, or None while they are unknown.
        """
        self._opened = allowed_networks
        self._look_up = DnsResolver(resolve)
        self._tls = TlsContexts(authorities or certifi.where(), ca_bundle)
        self._connections = ConnectionPool()

    def send(self, request: Request) -> Response | NoResponse:
        try:
            tls = self._tls_context(request)
        except ssl.SSLError as error:
            return NoResponse(Outcome.TLS_FAILED, describe_error(error))
        return self._send(request, tls, ends_at=monotonic() + request.deadline_seconds)

    def _send(
        self, request: Request, tls: TlsContext | None, *, ends_at: float
    ) -> Response | NoResponse:
        try:
            addresses = self._allowed_addresses(request)
            return self._post(request, RequestDeadline(addresses, ends_at=ends_at), tls)
        except InvalidEndpoint as error:
            return NoResponse(Outcome.ADDRESS_NOT_ALLOWED, str(error))
        except socket.gaierror as error:
            return NoResponse(Outcome.DNS_FAILED, str(error))
        except ResponseTooLarge as error:
            return NoResponse(Outcome.RESPONSE_TOO_LARGE, str(error))
        except (HTTPException, HTTPError, OSError) as error:
            return _failure(error, tls)

    def close(self) -> None:
        """Close the kept connections."""
        self._connections.close()

    def _allowed_addresses(self, request: Request) -> Sequence[str]:
        endpoint = request.endpoint
        addresses = self._look_up(endpoint.host, endpoint.port, seconds=request.deadline_seconds)
        endpoint.check_addresses(addresses, allowed_networks=self._opened)
        return addresses

    def _tls_context(self, request: Request) -> TlsContext | None:
        if request.endpoint.scheme == "http":
            return None
        return self._tls.context_for(request.client_certificate)

    def _post(
        self, request: Request, exchange: RequestDeadline, tls: TlsContext | None
    ) -> Response:
        with self._connections.connection_for(request.endpoint, exchange, tls) as connection:
            connection.request(
                "POST", request.endpoint.target, body=request.body, headers=_headers(request)
            )
            with closing(connection.getresponse()) as response:
                body = _read(response)
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Response(
            status=response.status, headers=headers, body=body, is_whole=response.is_whole
        )


def _failure(error: BaseException, tls: TlsContext | None) -> NoResponse:
    if tls and not tls.knows_authorities and any(map(is_unknown_authority, _causes(error))):
        return NoResponse(Outcome.THROTTLED, _NO_CA_BUNDLE)
    return NoResponse(classify_error(error), describe_error(error))


def classify_error(error: BaseException) -> Outcome:
    causes = list(_causes(error))
    for kind, outcome in _NAMES:
        if any(isinstance(cause, kind) for cause in causes):
            return outcome
    return Outcome.DISCONNECTED


def describe_error(error: BaseException) -> str:
    """Describe an error by the system's message, since urllib3's would show the URL."""
    tls_errors = (cause for cause in _causes(error) if isinstance(cause, ssl.SSLError))
    if tls_problem := next(filter(None, map(describe_tls_error, tls_errors)), None):
        return tls_problem
    described = [cause for cause in _causes(error) if isinstance(cause, OSError) and cause.strerror]
    return str(described[-1].strerror) if described else type(error).__name__


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        reason = getattr(error, "reason", None)
        inner = next((arg for arg in error.args if isinstance(arg, BaseException)), None)
        error = (
            (reason if isinstance(reason, BaseException) else None)
            or inner
            or (error.__cause__ or error.__context__)
        )


def _headers(request: Request) -> dict[str, str]:
    return {
        "host": request.endpoint.host_header,
        "accept-encoding": "identity",
        **request.headers,
    }


def _read(response: StrictHTTPResponse) -> bytes:
    """Read the body as it was sent, up to the cap.

    Nothing is decompressed, even if the server compresses unasked: a few bytes can become a
    gigabyte. A refusal keeps its status and Retry-After, however long the page that comes with it.
    """
    body = response.read_up_to(MAX_RESPONSE_BYTES + 1)
    if len(body) > MAX_RESPONSE_BYTES and response.is_success:
        raise ResponseTooLarge(MAX_RESPONSE_BYTES)
    return body[:MAX_RESPONSE_BYTES]
