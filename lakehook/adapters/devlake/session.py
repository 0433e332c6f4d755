"""DevLake's REST API for the operator's command."""

from collections.abc import Callable, Iterator, Sequence
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from time import monotonic, sleep, time
from typing import Self

import requests
from requests.exceptions import ProxyError, RequestException, SSLError, Timeout
from urllib3.exceptions import HTTPError, NameResolutionError

from lakehook.adapters.command_session import (
    describe_fault,
    new_session,
    reason_of,
    refuse_missing_file,
)
from lakehook.adapters.devlake.rest import (
    OWN_HEADERS,
    ApiResponse,
    RestDevLake,
    refuse_too_large,
    within,
)
from lakehook.domain.devlake.api_address import ApiAddress
from lakehook.domain.errors import DevlakeUnavailable

MAX_BYTES = 32 * 1024 * 1024
DEADLINE_SECONDS = 30.0
WAITS_SECONDS = (0.5, 1.0, 2.0)
"""Waits between the tries of one GET, or Retry-After if longer; one deadline covers all."""

_CHUNK_BYTES = 64 * 1024
_RETRIED = frozenset((HTTPStatus.TOO_MANY_REQUESTS, *range(500, 600)))


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
            refuse_missing_file(error)
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
            return ApiResponse(response.status_code, self._read(response)), _asked_wait(response)

    def _read(self, response: requests.Response) -> bytes:
        body = bytearray()
        for chunk in response.iter_content(_CHUNK_BYTES):
            body += chunk
            if len(body) > self._max_bytes:
                refuse_too_large(self._max_bytes)
        return bytes(body)


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
