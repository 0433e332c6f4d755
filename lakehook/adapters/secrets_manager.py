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
"""Minimum interval of ``fresh`` reads, so that invalid signatures don't cause one each."""

GOOD_WITHOUT_AWS_SECONDS = 3600.0
"""Age up to which a value is used during an outage: DevLake never sends again."""

CURRENT, PREVIOUS = "AWSCURRENT", "AWSPREVIOUS"
_NO_SUCH_VERSION = "ResourceNotFoundException"

Secrets = tuple[str, ...]


@dataclass
class _Remembered:
    """Cached value of a reader."""

    read: Callable[[], Secrets]
    secrets: Secrets = field(default=(), repr=False)
    read_at: float = float("-inf")
    tried_at: float = float("-inf")

    def live(self, now: float, *, fresh: bool) -> Secrets:
        limit = REFRESH_AFTER_SECONDS if fresh else FRESH_FOR_SECONDS
        if not 0 <= now - self.tried_at < limit:  # below zero: the clock was set back
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
    """Notification secrets; the previous version is valid while Secrets Manager has it.

    DevLake reads its secret at start-up, and never repeats a notification. A source has a secret of
    its own if a version's staging label is the source's name.
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
        """Return the secrets from the cache; only declared sources get here, so there are few."""
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
