"""Transports: mail by SES (API version 2), and the router that picks HTTP or mail.

https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html
"""

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.exceptions import ClientError, HTTPClientError, ReadTimeoutError
from botocore.exceptions import ConnectionError as NotConnected

from lakehook.adapters.aws import translate_aws_errors
from lakehook.domain.attempt import Outcome, Response
from lakehook.domain.destination import Mail, Request
from lakehook.ports.outbound import NoResponse

if TYPE_CHECKING:
    from mypy_boto3_sesv2 import SESV2Client

    from lakehook.adapters.http.client import HttpTransport

_OK = 200
_CHARSET = "UTF-8"
_CONNECTIONS = 10  # as many as a batch has lanes
# Faults of the function's own credentials: every other call of AWS fails, too.
_SENDER_FAULTS = frozenset(
    (
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    )
)

ClientFor = Callable[[Config], "SESV2Client"]


@dataclass(frozen=True)
class TransportRouter:
    """Sends a request by HTTP or by mail."""

    http: "HttpTransport"
    mail: "MailTransport"

    def send(self, request: Request | Mail) -> Response | NoResponse:
        return self.mail.send(request) if isinstance(request, Mail) else self.http.send(request)


class MailTransport:
    """Mail transport. Clients are created at the first mail, one for each deadline in seconds.

    Neither an unreachable SES nor missing permissions are an ``InfrastructureError``: these may
    last, and then deliveries should wait in the ledger, not in the queue. Reported as throttling,
    the endpoint is probed, and only probes spend budget.
    """

    def __init__(self, client_for: ClientFor, *, sender: str | None) -> None:
        self._client_for = client_for
        self._sender = sender
        self._clients: dict[int, SESV2Client] = {}
        self._making = Lock()  # so that the lanes of a batch make one for all

    def send(self, mail: Mail) -> Response | NoResponse:
        if self._sender is None:
            return NoResponse(Outcome.THROTTLED, "no sender: deploy with the parameter EmailSender")
        with translate_aws_errors():
            try:
                sent = self._client(mail).send_email(**_request(mail, self._sender))
            except ClientError as error:
                if error.response["Error"]["Code"] in _SENDER_FAULTS:
                    raise
                return _refusal(error)
            except (NotConnected, HTTPClientError) as error:
                return _no_answer(error)
        return Response(status=_OK, headers={}, body=sent["MessageId"].encode())

    def _client(self, mail: Mail) -> "SESV2Client":
        seconds = max(1, int(mail.deadline_seconds))
        with self._making:
            if seconds not in self._clients:
                self._clients[seconds] = self._client_for(_within(seconds))
            return self._clients[seconds]


def _within(seconds: int) -> Config:
    """Return a configuration with short timeouts, and no retries: they could mail twice."""
    return Config(
        connect_timeout=seconds / 8,
        read_timeout=seconds / 2,
        max_pool_connections=_CONNECTIONS,
        retries={"total_max_attempts": 1},
    )


def _request(mail: Mail, sender: str) -> Any:
    body = {"Text": _data(mail.text), **({"Html": _data(mail.html)} if mail.html else {})}
    headers = [{"Name": name, "Value": value} for name, value in mail.headers.items()]
    return {
        "FromEmailAddress": sender,
        "Destination": {"ToAddresses": list(mail.destination.addresses)},
        "Content": {
            "Simple": {"Subject": _data(mail.subject), "Body": body, "Headers": headers},
        },
    }


def _data(text: str) -> dict[str, str]:
    return {"Data": text, "Charset": _CHARSET}


def _refusal(error: ClientError) -> Response:
    response = error.response
    code, message = response["Error"]["Code"], response["Error"].get("Message", "")
    status = response["ResponseMetadata"]["HTTPStatusCode"]
    return Response(status=status, headers={}, body=f"{code}: {message}".encode())


def _no_answer(error: Exception) -> NoResponse:
    """Classify an error: once the request was sent, the mail may have been accepted."""
    if isinstance(error, ReadTimeoutError):
        return NoResponse(Outcome.TIMED_OUT, "SES has not answered in time")
    if isinstance(error, NotConnected):
        return NoResponse(Outcome.THROTTLED, f"SES could not be reached: {type(error).__name__}")
    return NoResponse(Outcome.DISCONNECTED, f"SES closed the connection: {type(error).__name__}")
