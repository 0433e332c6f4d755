"""The receiver over HTTP: one POST to an address that was judged, and nothing else.

The host is resolved once and every answer judged; the connection goes to a judged address, with
the host's name kept for TLS and ``Host``. No session of ``requests`` is involved, so there are no
proxies from the environment, no ``.netrc``, no cookies and no redirects.
"""

import logging
import socket
from collections.abc import Sequence
from time import monotonic
from typing import Any

import requests
from requests import adapters
from urllib3.exceptions import HTTPError
from urllib3.util.ssl_ import create_urllib3_context

from lakehook.adapters.http_connection import POOLS
from lakehook.adapters.http_deadline import Exchange, TooLarge
from lakehook.adapters.http_failures import detail_of, outcome_of
from lakehook.adapters.http_names import Lookups, resolve
from lakehook.domain.address import Network
from lakehook.domain.endpoint import Endpoint
from lakehook.domain.errors import BadEndpoint
from lakehook.domain.outcome import Answer, Outcome
from lakehook.domain.webhook import Request
from lakehook.ports import NoAnswer, Resolve

__all__ = ["MAX_ANSWER_BYTES", "HttpReceiver", "resolve"]

MAX_ANSWER_BYTES = 64 * 1024
CHUNK_BYTES = 8 * 1024

_ENDPOINTS = 50  # that have connections kept at a time
_CONNECTIONS = 10  # of each: a batch has no more lanes


class HttpReceiver:
    def __init__(
        self,
        opened: Sequence[Network] = (),
        *,
        resolve: Resolve = resolve,
        authorities: str = adapters.DEFAULT_CA_BUNDLE_PATH,
    ) -> None:
        self._opened = opened
        self._look_up = Lookups(resolve)
        self._adapter = _Adapter(authorities)
        logging.getLogger("urllib3").setLevel(logging.ERROR)  # its warnings show whole URLs

    def post(self, request: Request) -> Answer | NoAnswer:
        ends_at = monotonic() + request.deadline_seconds
        try:
            addresses = self._judged_addresses(request)
            return self._adapter.post(request, Exchange(addresses, ends_at=ends_at))
        except BadEndpoint as error:
            return NoAnswer(Outcome.ADDRESS_NOT_ALLOWED, str(error))
        except socket.gaierror as error:
            return NoAnswer(Outcome.DNS_FAILED, str(error))
        except TooLarge:
            return NoAnswer(Outcome.RESPONSE_TOO_LARGE, f"more than {MAX_ANSWER_BYTES} bytes")
        except (requests.RequestException, HTTPError, OSError) as error:
            return NoAnswer(outcome_of(error), detail_of(error))

    def close(self) -> None:
        """End the connections that are kept."""
        self._adapter.close()

    def _judged_addresses(self, request: Request) -> Sequence[str]:
        endpoint = request.endpoint
        addresses = self._look_up(endpoint.host, endpoint.port, seconds=request.deadline_seconds)
        endpoint.judge(addresses, opened=self._opened)
        return addresses


class _Post(requests.PreparedRequest):
    """A request as it is: what ``requests`` would read from the URL, the endpoint has read."""

    def __init__(self, request: Request) -> None:
        super().__init__()
        self.endpoint: Endpoint = request.endpoint
        self.method, self.url, self.body = "POST", request.endpoint.url, request.body
        self.headers: Any = {
            "host": request.endpoint.host_header,
            "Content-Length": str(len(request.body)),  # spelled as the adapter looks for it
            "accept-encoding": "identity",
            **request.headers,
        }


class _Adapter(adapters.HTTPAdapter):
    """Calls the endpoint, whatever proxies there are, and gives what comes back as it is."""

    def __init__(self, authorities: str) -> None:
        self._tls = create_urllib3_context()  # once: to read the authorities takes longer than TLS
        self._tls.load_verify_locations(authorities)
        super().__init__(pool_connections=_ENDPOINTS, pool_maxsize=_CONNECTIONS)

    def post(self, request: Request, exchange: Exchange) -> Answer:
        response: Any = self.send(_Post(request), timeout=exchange)  # type: ignore[arg-type]
        try:
            body = _read(response)
        except BaseException:
            response.close()
            raise
        response.release_conn()
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Answer(status=response.status, headers=headers, body=body)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options, ssl_context=self._tls)
        self.poolmanager.pool_classes_by_scheme = POOLS

    def get_connection_with_tls_context(self, request: Any, *_: Any, **__: Any) -> Any:
        endpoint: Endpoint = request.endpoint
        return self.poolmanager.connection_from_host(
            endpoint.host, port=endpoint.port, scheme=endpoint.scheme
        )

    def cert_verify(self, *_: Any) -> None:
        """The context does."""

    def request_url(self, request: Any, _: Any) -> str:
        target: str = request.endpoint.target
        return target

    def build_response(self, _: Any, response: Any) -> Any:
        return response


def _read(response: Any) -> bytes:
    """The body as it came, as far as the cap goes.

    Nothing is decompressed, although somebody may compress unasked: a few bytes can become a
    gigabyte, and how much of it is held at a time would be the library's affair.
    """
    body = b""
    for chunk in response.stream(CHUNK_BYTES, decode_content=False):
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            raise TooLarge
    return body
