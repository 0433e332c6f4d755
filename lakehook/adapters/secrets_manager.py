"""The notification secret, which an operator changes in Secrets Manager."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from botocore.exceptions import ClientError

from lakehook.adapters.aws import own_trouble
from lakehook.domain.errors import OwnTrouble
from lakehook.ports.ingress import Now

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

FRESH_FOR_SECONDS = 300.0
ANEW_AFTER_SECONDS = 10.0
"""Strangers with wrong signs must not make us ask AWS for each of them."""

GOOD_WITHOUT_AWS_SECONDS = 3600.0
"""DevLake sends no notice twice, so a short outage must not turn any away."""

_NO_SUCH_STAGE = "ResourceNotFoundException"


@dataclass
class StoredSecret:
    """The secret before a change is good for as long as Secrets Manager knows it.

    DevLake reads its own at its start, and sends no notice twice.
    """

    secrets_manager: "SecretsManagerClient"
    arn: str
    now: Now
    _live: tuple[str, ...] = field(default=(), repr=False)
    _read_at: float = float("-inf")
    _tried_at: float = float("-inf")

    def live(self, *, anew: bool = False) -> Sequence[str]:
        now = self.now()
        if now - self._tried_at >= (ANEW_AFTER_SECONDS if anew else FRESH_FOR_SECONDS):
            self._read(now)
        return self._live

    def _read(self, now: float) -> None:
        try:
            self._live = (*self._version("AWSCURRENT"), *self._version("AWSPREVIOUS"))
            self._read_at = now
        except OwnTrouble:
            if now - self._read_at >= GOOD_WITHOUT_AWS_SECONDS:
                raise
        self._tried_at = now

    def _version(self, stage: Literal["AWSCURRENT", "AWSPREVIOUS"]) -> tuple[str, ...]:
        with own_trouble():
            try:
                answer = self.secrets_manager.get_secret_value(
                    SecretId=self.arn, VersionStage=stage
                )
            except ClientError as error:
                if stage == "AWSPREVIOUS" and error.response["Error"]["Code"] == _NO_SUCH_STAGE:
                    return ()
                raise
        return (answer["SecretString"],)
