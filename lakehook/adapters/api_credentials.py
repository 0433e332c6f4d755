"""Credentials for DevLake's REST API, stored in Secrets Manager by an operator.

The secret is header lines, ``authorization: Bearer …``, or ``-`` for none. A named source uses the
version whose staging label is its name, and has no credentials without that version: those of one
DevLake are never sent to another.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from lakehook.adapters.aws import translate_aws_errors
from lakehook.domain.errors import InfrastructureError, InvalidInput, InvalidSubscription
from lakehook.domain.headers import parse_headers
from lakehook.ports.ingress import Now
from lakehook.settings import UNSET

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

FRESH_SECONDS = 300.0
MIN_SECONDS_BETWEEN_READS = 30.0
"""Minimum interval of reads, so that a DevLake that keeps refusing does not cause one each time."""

_NO_SUCH_VERSION = "ResourceNotFoundException"


@dataclass
class StoredApiCredentials:
    """``ApiCredentials`` from Secrets Manager; cached values stay valid during an outage."""

    secrets_manager: "SecretsManagerClient"
    arn: str
    source: str | None
    now: Now
    _headers: Mapping[str, str] | None = field(default=None, repr=False)
    _tried_at: float = float("-inf")

    def headers(self, *, fresh: bool = False) -> Mapping[str, str]:
        now = self.now()
        limit = MIN_SECONDS_BETWEEN_READS if fresh else FRESH_SECONDS
        # An age below zero: the clock was set back.
        if self._headers is None or not 0 <= now - self._tried_at < limit:
            self._headers = self._read(now)
        return self._headers

    def _read(self, now: float) -> Mapping[str, str]:
        self._tried_at = now
        try:
            return _checked(self._text())
        except InfrastructureError:
            if self._headers is None:
                raise
            return self._headers

    def _text(self) -> str:
        with translate_aws_errors():
            try:
                answer = self.secrets_manager.get_secret_value(
                    SecretId=self.arn, VersionStage=self.source or "AWSCURRENT"
                )
            except ClientError as error:
                if self.source and error.response["Error"]["Code"] == _NO_SUCH_VERSION:
                    return UNSET
                raise
        return answer["SecretString"]


def _checked(text: str) -> Mapping[str, str]:
    lines = [line for line in text.splitlines() if line.strip() not in {"", UNSET}]
    try:
        return parse_headers(lines)
    except InvalidSubscription as error:
        raise InvalidInput(f"the secret for DevLake's API: {error}") from None
