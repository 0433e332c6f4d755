"""The receiver over HTTP: one POST to an address that was judged, and nothing else.

The host is resolved once and every answer judged; the connection goes to a judged address, with
the host's name kept for TLS and ``Host``. There is no session, so there are no proxies from the
environment, no ``.netrc``, no cookies, no redirects and no repeats.
"""

import socket
from collections.abc import Sequence
from contextlib import closing
from http.client import HTTPException
from time import monotonic

import certifi
from urllib3.exceptions import HTTPError

from lakehook.adapters.http_answer import FinalResponse
from lakehook.adapters.http_deadline import Exchange, TooLarge
from lakehook.adapters.http_failures import detail_of, outcome_of
from lakehook.adapters.http_kept import Connections
from lakehook.adapters.http_names import Lookups, resolve
from lakehook.domain.address import Network
from lakehook.domain.errors import BadEndpoint
from lakehook.domain.outcome import Answer, Outcome
from lakehook.domain.request import Request
from lakehook.ports.endpoints import Resolve
from lakehook.ports.sending import NoAnswer

MAX_ANSWER_BYTES = 64 * 1024


class HttpReceiver:
    def __init__(
        self,
        opened: Sequence[Network] = (),
        *,
        resolve: Resolve = resolve,
        authorities: str | None = None,
    ) -> None:
        """``authorities`` is a file of those that are trusted; by default Mozilla's."""
        self._opened = opened
        self._look_up = Lookups(resolve)
        self._connections = Connections(authorities or certifi.where())

    def post(self, request: Request) -> Answer | NoAnswer:
        ends_at = monotonic() + request.deadline_seconds
        try:
            addresses = self._judged_addresses(request)
            return self._post(request, Exchange(addresses, ends_at=ends_at))
        except BadEndpoint as error:
            return NoAnswer(Outcome.ADDRESS_NOT_ALLOWED, str(error))
        except socket.gaierror as error:
            return NoAnswer(Outcome.DNS_FAILED, str(error))
        except TooLarge as error:
            return NoAnswer(Outcome.RESPONSE_TOO_LARGE, str(error))
        except (HTTPException, HTTPError, OSError) as error:
            return NoAnswer(outcome_of(error), detail_of(error))

    def close(self) -> None:
        """End the connections that are kept."""
        self._connections.close()

    def _judged_addresses(self, request: Request) -> Sequence[str]:
        endpoint = request.endpoint
        addresses = self._look_up(endpoint.host, endpoint.port, seconds=request.deadline_seconds)
        endpoint.judge(addresses, opened=self._opened)
        return addresses

    def _post(self, request: Request, exchange: Exchange) -> Answer:
        with self._connections.to(request.endpoint, exchange) as connection:
            connection.request(
                "POST", request.endpoint.target, body=request.body, headers=_headers(request)
            )
            with closing(connection.getresponse()) as response:
                body = _read(response)
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Answer(status=response.status, headers=headers, body=body)


def _headers(request: Request) -> dict[str, str]:
    return {
        "host": request.endpoint.host_header,
        "accept-encoding": "identity",
        **request.headers,
    }


def _read(response: FinalResponse) -> bytes:
    """The body as it came, as far as the cap goes.

    Nothing is decompressed, although somebody may compress unasked: a few bytes can become a
    gigabyte.
    """
    body = response.read_up_to(MAX_ANSWER_BYTES + 1)
    if len(body) > MAX_ANSWER_BYTES:
        raise TooLarge(MAX_ANSWER_BYTES)
    return body
