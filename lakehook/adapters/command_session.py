"""HTTP session of the operator's command, by Requests, and descriptions of its errors.

The settings of a company's network apply: ``HTTPS_PROXY``, ``NO_PROXY``, and ``REQUESTS_CA_BUNDLE``
for its certificates. ``.netrc`` is not read: Requests would send its password instead of the
configured header.
"""

from collections.abc import Mapping

import requests
from requests.exceptions import ConnectionError as ConnectionFailed
from requests.exceptions import ProxyError, SSLError, Timeout
from urllib3.exceptions import NameResolutionError, NewConnectionError

from lakehook.domain.errors import InvalidInput


def new_session(headers: Mapping[str, str]) -> requests.Session:
    session = requests.Session()
    session.headers.update(headers)
    session.auth = _as_it_is
    return session


def refuse_missing_file(error: Exception) -> None:
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
