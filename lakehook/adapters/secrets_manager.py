"""The notification secret, which an operator changes in Secrets Manager."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from lakehook.adapters.aws import own_trouble
from lakehook.domain.errors import OwnTrouble
from lakehook.ports.ingress import LiveSecrets, Now

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

FRESH_FOR_SECONDS = 300.0
ANEW_AFTER_SECONDS = 10.0
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

    def live(self, now: float, *, anew: bool) -> Secrets:
        if now - self.tried_at >= (ANEW_AFTER_SECONDS if anew else FRESH_FOR_SECONDS):
            self._read(now)
        return self.secrets

    def _read(self, now: float) -> None:
        try:
            self.secrets, self.read_at = self.read(), now
        except OwnTrouble:
            if now - self.read_at >= GOOD_WITHOUT_AWS_SECONDS:
                raise
        self.tried_at = now


@dataclass
class StoredSecret:
    """The secret before a change is good for as long as Secrets Manager knows it.

    DevLake reads its own at its start, and sends no notice twice. A source has a secret of its own
    if a version carries the source's name as its staging label.
    https://docs.aws.amazon.com/secretsmanager/latest/userguide/whats-in-a-secret.html
    """

    secrets_manager: "SecretsManagerClient"
    arn: str
    now: Now
    _remembered: dict[str | None, _Remembered] = field(default_factory=dict, repr=False)

    def live(self, source: str | None = None, *, anew: bool = False) -> LiveSecrets:
        own = self._live(source, anew=anew) if source else ()
        return LiveSecrets(own, are_own=True) if own else LiveSecrets(self._live(None, anew=anew))

    def _live(self, source: str | None, *, anew: bool) -> Secrets:
        """Only sources that are declared get here, so there are few."""
        if source not in self._remembered:
            self._remembered[source] = _Remembered(lambda: self._read(source))
        return self._remembered[source].live(self.now(), anew=anew)

    def _read(self, source: str | None) -> Secrets:
        if source:
            return self._version(source)
        current = self._version(CURRENT)
        if not current:
            raise OwnTrouble(f"Secrets Manager has no current version of {self.arn}")
        return (*current, *self._version(PREVIOUS))

    def _version(self, label: str) -> Secrets:
        with own_trouble():
            try:
                answer = self.secrets_manager.get_secret_value(
                    SecretId=self.arn, VersionStage=label
                )
            except ClientError as error:
                if error.response["Error"]["Code"] == _NO_SUCH_VERSION:
                    return ()
                raise
        return (answer["SecretString"],)
