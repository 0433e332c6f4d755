"""The receiver over HTTP: one POST to an address that was judged, and nothing else.

The host is resolved once and every answer judged; the connection goes to the judged address, with
the host's name kept for TLS and ``Host``. No session of ``requests`` is involved, so there are no
proxies from the environment, no ``.netrc``, no cookies and no redirects.
"""

import logging
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError
from urllib3.util import Timeout

from lakehook.adapters.http_deadline import POOLS_WITH_A_DEADLINE
from lakehook.adapters.http_failures import outcome_of
from lakehook.domain.address import Network
from lakehook.domain.endpoint import Endpoint
from lakehook.domain.errors import BadEndpoint
from lakehook.domain.outcome import Answer, Outcome
from lakehook.domain.webhook import Request
from lakehook.ports import NoAnswer

MAX_ANSWER_BYTES = 64 * 1024
CHUNK_BYTES = 8 * 1024


def resolve(host: str, port: int) -> list[str]:
    """Every address of a host; ``OSError`` when it has none."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[4][0]) for address in found))


class TooLarge(Exception):
    """The answer has more bytes than we read."""


class _ToAddress(HTTPAdapter):
    """Connects to the address in ``request.address``, whatever the host resolves to by now."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = POOLS_WITH_A_DEADLINE

    def build_connection_pool_key_attributes(
        self, request: Any, verify: Any, cert: Any = None
    ) -> tuple[Any, Any]:
        host, pool = super().build_connection_pool_key_attributes(request, verify, cert)
        to_address = {**host, "host": request.address}
        if host["scheme"] == "https":
            return to_address, {**pool, "server_hostname": host["host"]}  # SNI and certificate
        return to_address, pool


@dataclass(frozen=True)
class HttpReceiver:
    opened: Sequence[Network] = ()
    _adapter: HTTPAdapter = field(default_factory=lambda: _ToAddress(pool_maxsize=20))

    def __post_init__(self) -> None:
        logging.getLogger("urllib3").setLevel(logging.ERROR)  # its warnings show whole URLs

    def post(self, request: Request) -> Answer | NoAnswer:
        ends_at = monotonic() + request.deadline_seconds
        try:
            address = self._judged_address(request.endpoint)
            return self._exchange(request, address, ends_at)
        except BadEndpoint as error:
            return NoAnswer(Outcome.ADDRESS_NOT_ALLOWED, str(error))
        except (socket.gaierror, UnicodeError) as error:  # the latter for a name that is none
            return NoAnswer(Outcome.DNS_FAILED, str(error))
        except TooLarge:
            return NoAnswer(Outcome.RESPONSE_TOO_LARGE, f"more than {MAX_ANSWER_BYTES} bytes")
        except (requests.RequestException, HTTPError, OSError) as error:
            return NoAnswer(outcome_of(error), type(error).__name__)

    def _judged_address(self, endpoint: Endpoint) -> str:
        addresses = resolve(endpoint.host, endpoint.port)
        endpoint.judge(addresses, opened=self.opened)
        return addresses[0]

    def _exchange(self, request: Request, address: str, ends_at: float) -> Answer:
        prepared: Any = requests.Request(
            "POST",
            request.endpoint.url,
            data=request.body,
            headers={"host": request.endpoint.host_header, **request.headers},
        ).prepare()
        prepared.address = address
        left: Any = Timeout(total=max(ends_at - monotonic(), 0.001))
        with self._adapter.send(prepared, stream=True, timeout=left, proxies={}) as response:
            return Answer(
                status=response.status_code,
                headers={name.lower(): value for name, value in response.headers.items()},
                body=_read(response),
            )


def _read(response: requests.Response) -> bytes:
    """The body, decompressed, as far as the cap goes."""
    body = b""
    for chunk in response.raw.stream(CHUNK_BYTES, decode_content=True):
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            raise TooLarge
    return body
