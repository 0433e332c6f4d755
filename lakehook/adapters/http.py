"""The receiver over HTTP: one POST to an address that was judged, and nothing else.

The host is resolved once and every answer judged; the connection goes to a judged address, with
the host's name kept for TLS and ``Host``. It is the standard library's plain client: no proxies
from the environment, no ``.netrc``, no cookies and no redirects, for there is nothing that knows
of them.
"""

import socket
from collections.abc import Sequence
from http.client import HTTPException, IncompleteRead
from time import monotonic

from lakehook.adapters.http_connection import Connection
from lakehook.adapters.http_deadline import Exchange, TooLarge
from lakehook.adapters.http_failures import detail_of, outcome_of
from lakehook.adapters.http_names import Lookups, resolve
from lakehook.adapters.http_pool import Pool
from lakehook.domain.address import Network
from lakehook.domain.errors import BadEndpoint
from lakehook.domain.outcome import Answer, Outcome
from lakehook.domain.webhook import Request
from lakehook.ports import NoAnswer, Resolve

__all__ = ["MAX_ANSWER_BYTES", "HttpReceiver", "resolve"]

MAX_ANSWER_BYTES = 64 * 1024


class HttpReceiver:
    def __init__(
        self,
        opened: Sequence[Network] = (),
        *,
        resolve: Resolve = resolve,
        authorities: str | None = None,
    ) -> None:
        self._opened = opened
        self._look_up = Lookups(resolve)
        self._pool = Pool(authorities)

    def post(self, request: Request) -> Answer | NoAnswer:
        ends_at = monotonic() + request.deadline_seconds
        try:
            addresses = self._judged_addresses(request)
            return self._exchange(request, Exchange(addresses, ends_at=ends_at))
        except BadEndpoint as error:
            return NoAnswer(Outcome.ADDRESS_NOT_ALLOWED, str(error))
        except socket.gaierror as error:
            return NoAnswer(Outcome.DNS_FAILED, str(error))
        except TooLarge:
            return NoAnswer(Outcome.RESPONSE_TOO_LARGE, f"more than {MAX_ANSWER_BYTES} bytes")
        except (HTTPException, OSError, UnicodeError) as error:
            return NoAnswer(outcome_of(error), detail_of(error))

    def close(self) -> None:
        """End the connections that are kept."""
        self._pool.close()

    def _judged_addresses(self, request: Request) -> Sequence[str]:
        endpoint = request.endpoint
        addresses = self._look_up(endpoint.host, endpoint.port, seconds=request.deadline_seconds)
        endpoint.judge(addresses, opened=self._opened)
        return addresses

    def _exchange(self, request: Request, exchange: Exchange) -> Answer:
        connection = self._pool.take(request.endpoint)
        try:
            connection.begin(exchange)
            answer = _post(connection, request)
        except BaseException:
            connection.close()
            raise
        self._pool.give_back(request.endpoint, connection)
        return answer


def _post(connection: Connection, request: Request) -> Answer:
    """What comes back is read as far as the cap goes, and stays as it came.

    Nothing is decompressed, although somebody may compress unasked: a few bytes can become a
    gigabyte, and how much of it is held at a time would be the library's affair.
    """
    headers = {"host": request.endpoint.host_header, "accept-encoding": "identity"}
    headers.update(request.headers)
    with connection.post(request.endpoint.target, headers, request.body) as response:
        body = response.read(MAX_ANSWER_BYTES + 1)
        if len(body) > MAX_ANSWER_BYTES:
            raise TooLarge
        if response.length:
            raise IncompleteRead(body, response.length)
        head = {name.lower(): value for name, value in response.headers.items()}
        return Answer(status=response.status, headers=head, body=body)
