"""DevLake for the operator's command: its REST API, and a notification as it sends it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from time import monotonic, sleep, time
from typing import Self

import requests
from requests.exceptions import ConnectionError as ConnectionFailed
from requests.exceptions import ProxyError, RequestException, SSLError, Timeout
from urllib3.exceptions import HTTPError, NameResolutionError, NewConnectionError

from lakehook.adapters.devlake.rest import OWN_HEADERS, ApiResponse, RestDevLake, read_body, within
from lakehook.domain.devlake.setup_check import (
    EndpointAnswer,
    EndpointResponse,
    EndpointUnreachable,
)
from lakehook.domain.devlake.sources import ApiAddress
from lakehook.domain.errors import DevlakeUnavailable, InvalidInput

MAX_BYTES = 32 * 1024 * 1024
DEADLINE_SECONDS = 30.0
WAITS_SECONDS = (0.5, 1.0, 2.0)
"""Waits between the tries of one GET, or Retry-After if longer; one deadline covers all."""

_CHUNK_BYTES = 64 * 1024
_RETRIED = frozenset((HTTPStatus.TOO_MANY_REQUESTS, *range(500, 600)))

NOTICE_DEADLINE_SECONDS = 20.0
"""The ingress responds within 15 s, even if AWS does not."""

MAX_NOTICE_RESPONSE_BYTES = 64 * 1024
"""Maximum bytes read; the ingress sends fewer."""


def new_session(headers: Mapping[str, str]) -> requests.Session:
    """Create a session to which the settings of a company's network apply.

    They are ``HTTPS_PROXY``, ``NO_PROXY``, and ``REQUESTS_CA_BUNDLE`` for its certificates.
    ``.netrc`` is not read: Requests would send its password instead of the configured header.
    """
    session = requests.Session()
    session.headers.update(headers)
    session.auth = _as_it_is
    return session


def reject_missing_file(error: Exception) -> None:
    """Report a missing certificate bundle, for which Requests raises a plain ``OSError``."""
    if type(error) is OSError and error.args:
        raise InvalidInput(f"REQUESTS_CA_BUNDLE: {error.args[0]}") from None


def reason_of(error: Exception) -> object:
    """Return urllib3's reason, which Requests wraps."""
    cause = error.args[0] if error.args else None
    return getattr(cause, "reason", cause)


def describe_fault(error: Exception) -> str:
    match error, reason_of(error):
        case ProxyError(), _:
            return "no connection through the proxy that HTTPS_PROXY or HTTP_PROXY names"
        case SSLError(), reason:
            return f"TLS: {reason}; REQUESTS_CA_BUNDLE names a file of trusted certificates"
        case ((Timeout() | TimeoutError()), _):
            return "no complete response in time"
        case ConnectionFailed(), NameResolutionError():
            return "its name does not resolve"
        case ConnectionFailed(), NewConnectionError():
            return "no connection"
    return "the response was cut off"


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Leave the request unchanged: a session with an ``auth`` does not read ``.netrc``."""
    return request


def connect(address: ApiAddress) -> RestDevLake:
    return RestDevLake(SessionFetch(address))


class SessionFetch:
    """GET with retries. Redirects, which would send the credentials elsewhere, are not followed."""

    def __init__(
        self,
        address: ApiAddress,
        *,
        deadline_seconds: float = DEADLINE_SECONDS,
        max_bytes: int = MAX_BYTES,
        waits: Sequence[float] = WAITS_SECONDS,
        wait: Callable[[float], None] = sleep,
    ) -> None:
        self._address, self._waits, self._wait = address, waits, wait
        self._deadline_seconds, self._max_bytes = deadline_seconds, max_bytes
        self._session = new_session({**OWN_HEADERS, **address.headers})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def __call__(self, target: str) -> ApiResponse:
        ends_at = monotonic() + self._deadline_seconds
        try:
            return within(self._deadline_seconds, lambda: self._get(target, ends_at))
        except (RequestException, HTTPError, OSError) as error:
            reject_missing_file(error)
            raise DevlakeUnavailable(f"DevLake is unavailable: {describe_fault(error)}") from None

    def _get(self, target: str, ends_at: float) -> ApiResponse:
        """Return the first final response, or the last one before the deadline."""
        waits = iter(self._waits)
        while True:
            try:
                response, asked_wait = self._try(target, ends_at)
            except RequestException as error:
                if _is_lasting(error) or not self._pause(waits, ends_at):
                    raise
                continue
            final = response.status not in _RETRIED
            if final or not self._pause(waits, ends_at, at_least=asked_wait):
                return response

    def _pause(self, waits: Iterator[float], ends_at: float, *, at_least: float = 0.0) -> bool:
        """Wait, and return whether another try makes sense."""
        seconds = max(next(waits, float("inf")), at_least)
        if monotonic() + seconds >= ends_at:
            return False
        self._wait(seconds)
        return True

    def _try(self, target: str, ends_at: float) -> tuple[ApiResponse, float]:
        with self._session.get(
            self._address.url + target,
            timeout=max(ends_at - monotonic(), 0.001),
            allow_redirects=False,
            stream=True,
        ) as response:
            body = read_body(response.iter_content(_CHUNK_BYTES), max_bytes=self._max_bytes)
            return ApiResponse(response.status_code, body), _asked_wait(response)


def _asked_wait(response: requests.Response) -> float:
    """Parse seconds or a date: https://www.rfc-editor.org/rfc/rfc9110#name-retry-after."""
    text = response.headers.get("retry-after", "")
    if text.isdecimal():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time())
    except (ValueError, OverflowError):  # the latter for numbers that no calendar has
        return 0.0


def _is_lasting(error: RequestException) -> bool:
    """Whether another try would fail as well."""
    is_unknown = isinstance(reason_of(error), NameResolutionError)
    return is_unknown or isinstance(error, SSLError | ProxyError | Timeout)


def post_notice(
    url: str, query: str, body: bytes, *, deadline_seconds: float = NOTICE_DEADLINE_SECONDS
) -> EndpointAnswer:
    """``PostNotice`` by HTTP. Redirects, which would turn it into a GET, are not followed."""
    try:
        answer = within(deadline_seconds, lambda: _post(f"{url}?{query}", body, deadline_seconds))
    except (RequestException, HTTPError, OSError) as error:
        reject_missing_file(error)
        return EndpointUnreachable(describe_fault(error))
    return EndpointResponse(answer.status, answer.body)


def _post(url: str, body: bytes, timeout: float) -> ApiResponse:
    headers = {**OWN_HEADERS, "content-type": "application/json"}
    with (
        new_session(headers) as session,
        session.post(
            url, data=body, timeout=timeout, allow_redirects=False, stream=True
        ) as response,
    ):
        return ApiResponse(response.status_code, _start_of(response))


def _start_of(response: requests.Response) -> bytes:
    return next(response.iter_content(MAX_NOTICE_RESPONSE_BYTES), b"")
