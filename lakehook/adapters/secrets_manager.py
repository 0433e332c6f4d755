"""The notification secret, which an operator changes in Secrets Manager."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from lakehook.adapters.aws import translate_aws_errors
from lakehook.domain.errors import InfrastructureError
from lakehook.ports.ingress import LiveSecrets, Now

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

FRESH_FOR_SECONDS = 300.0
REFRESH_AFTER_SECONDS = 10.0
"""Strangers with wrong signs must not make us ask AWS for each of them."""

GOOD_WITHOUT_AWS_SECONDS = 3600.0
"""DevLake sends no notice twice, so a short outage must not turn any away."""

CURRENT, PREVIOUS = "AWSCURRENT", "AWSPREVIOUS"
_NO_SUCH_VERSION = "ResourceNotFoundException"

Secrets = tuple[str, ...]


@dataclass
class _Remembered:
    """What a reader has read, for as long as it is good."""

    read: Callable[[], Secrets]
    secrets: Secrets = field(default=(), repr=False)
    read_at: float = float("-inf")
    tried_at: float = float("-inf")

    def live(self, now: float, *, fresh: bool) -> Secrets:
        if now - self.tried_at >= (REFRESH_AFTER_SECONDS if fresh else FRESH_FOR_SECONDS):
            self._read(now)
        return self.secrets

    def _read(self, now: float) -> None:
        try:
            self.secrets, self.read_at = self.read(), now
        except InfrastructureError:
            if now - self.read_at >= GOOD_WITHOUT_AWS_SECONDS:
                raise
        self.tried_at = now


@dataclass
class SecretsManagerNotificationSecret:
    """The secret before a change is good for as long as Secrets Manager knows it.

    DevLake reads its own at its start, and sends no notice twice. A source has a secret of its own
    if a version carries the source's name as its staging label.
    https://docs.aws.amazon.com/secretsmanager/latest/userguide/whats-in-a-secret.html
    """

    secrets_manager: "SecretsManagerClient"
    arn: str
    now: Now
    _remembered: dict[str | None, _Remembered] = field(default_factory=dict, repr=False)

    def active(self, source: str | None = None, *, fresh: bool = False) -> LiveSecrets:
        own = self._live(source, fresh=fresh) if source else ()
        return LiveSecrets(own, are_own=True) if own else LiveSecrets(self._live(None, fresh=fresh))

    def _live(self, source: str | None, *, fresh: bool) -> Secrets:
        """Only sources that are declared get here, so there are few."""
        if source not in self._remembered:
            self._remembered[source] = _Remembered(lambda: self._read(source))
        return self._remembered[source].live(self.now(), fresh=fresh)

    def _read(self, source: str | None) -> Secrets:
        if source:
            return self._version(source)
        current = self._version(CURRENT)
        if not current:
            raise InfrastructureError(f"Secrets Manager has no current version of {self.arn}")
        return (*current, *self._version(PREVIOUS))

    def _version(self, label: str) -> Secrets:
        with translate_aws_errors():
            try:
                answer = self.secrets_manager.get_secret_value(
                    SecretId=self.arn, VersionStage=label
                )
            except ClientError as error:
                if error.response["Error"]["Code"] == _NO_SUCH_VERSION:
                    return ()
                raise
        return (answer["SecretString"],)
