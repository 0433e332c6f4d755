"""A notification as DevLake sends it, sent by the operator's command."""

import requests
from requests.exceptions import RequestException
from urllib3.exceptions import HTTPError

from lakehook.adapters.command_session import describe_fault, new_session, refuse_missing_file
from lakehook.adapters.devlake.rest import OWN_HEADERS, ApiResponse, within
from lakehook.domain.devlake.setup_check import (
    EndpointAnswer,
    EndpointResponse,
    EndpointUnreachable,
)

DEADLINE_SECONDS = 20.0
"""The ingress responds within 15 s, even if AWS does not."""

MAX_BYTES = 64 * 1024
"""Maximum bytes read; the ingress sends fewer."""


def post_notice(
    url: str, query: str, body: bytes, *, deadline_seconds: float = DEADLINE_SECONDS
) -> EndpointAnswer:
    """``PostNotice`` by HTTP. Redirects, which would turn it into a GET, are not followed."""
    try:
        answer = within(deadline_seconds, lambda: _post(f"{url}?{query}", body, deadline_seconds))
    except (RequestException, HTTPError, OSError) as error:
        refuse_missing_file(error)
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
    return next(response.iter_content(MAX_BYTES), b"")
