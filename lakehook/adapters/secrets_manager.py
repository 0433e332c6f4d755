"""Stored values of operators: notification secrets, credentials of DevLake's API, a CA bundle.

Each is read again after some minutes, so that it is replaced without a deployment, and the last
valid one stays in force while AWS cannot be read.
https://docs.aws.amazon.com/secretsmanager/latest/userguide/whats-in-a-secret.html
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import inf
from threading import Lock
from typing import TYPE_CHECKING, Generic, TypeVar

from botocore.config import Config
from botocore.exceptions import ClientError

from lakehook.adapters.aws import translate_aws_errors
from lakehook.domain.errors import InfrastructureError, InvalidInput, InvalidSubscription
from lakehook.ports.ingress import LiveSecrets, Now
from lakehook.settings import UNSET

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_ssm import SSMClient

FRESH_FOR_SECONDS = 300.0
MIN_SECONDS_BETWEEN_SECRETS = 10.0
MIN_SECONDS_BETWEEN_CREDENTIALS = 30.0
"""Minimum intervals of ``fresh`` reads, so that invalid signatures, and a DevLake that keeps
refusing, don't cause one each."""

GOOD_WITHOUT_AWS_SECONDS = 3600.0
"""Age up to which a secret is used during an outage: DevLake never sends again."""

RETRY_SECONDS = 10.0
"""Interval of reads while there is no CA bundle at all."""

READ_CONFIG = Config(connect_timeout=1, read_timeout=1, retries={"total_max_attempts": 1})
"""Of the CA bundle: a delivery waits for the read, outside of its deadline."""

CURRENT, PREVIOUS = "AWSCURRENT", "AWSPREVIOUS"
_NO_SUCH_VERSION = "ResourceNotFoundException"
_SSM = "ssm"

Secrets = tuple[str, ...]
Value = TypeVar("Value")


@dataclass
class _Cache(Generic[Value]):
    """The last value that was read. It stays in force while AWS cannot be read, for a limited time.

    A value that is stored and not valid is an error at each read.
    """

    read: Callable[[], Value]
    now: Now
    min_interval_seconds: float
    good_without_aws_seconds: float = inf
    value: Value | None = field(default=None, repr=False)
    read_at: float = -inf
    tried_at: float = -inf

    def get(self, *, fresh: bool) -> Value:
        now, limit = self.now(), self.min_interval_seconds if fresh else FRESH_FOR_SECONDS
        # An age below zero: the clock was set back.
        if self.value is None or not 0 <= now - self.tried_at < limit:
            return self._read(now)
        return self.value

    def _read(self, now: float) -> Value:
        try:
            self.value, self.read_at = self.read(), now
        except InfrastructureError:
            if self.value is None or now - self.read_at >= self.good_without_aws_seconds:
                raise
        self.tried_at = now
        return self.value


@dataclass
class SecretsManagerNotificationSecret:
    """Notification secrets; the previous version is valid while Secrets Manager has it.

    DevLake reads its secret at start-up, and never repeats a notification. A source has a secret of
    its own if a version's staging label is the source's name.
    """

    secrets_manager: "SecretsManagerClient"
    arn: str
    now: Now
    _caches: dict[str | None, _Cache[Secrets]] = field(default_factory=dict, repr=False)

    def active(self, source: str | None = None, *, fresh: bool = False) -> LiveSecrets:
        own = self._live(source, fresh=fresh) if source else ()
        return LiveSecrets(own, are_own=True) if own else LiveSecrets(self._live(None, fresh=fresh))

    def _live(self, source: str | None, *, fresh: bool) -> Secrets:
        """Return the secrets from the cache; only declared sources get here, so there are few."""
        if source not in self._caches:
            self._caches[source] = _Cache(
                lambda: self._read(source),
                self.now,
                MIN_SECONDS_BETWEEN_SECRETS,
                GOOD_WITHOUT_AWS_SECONDS,
            )
        return self._caches[source].get(fresh=fresh)

    def _read(self, source: str | None) -> Secrets:
        if source:
            return self._version(source)
        current = self._version(CURRENT)
        if not current:
            raise InfrastructureError(f"Secrets Manager has no current version of {self.arn}")
        return (*current, *self._version(PREVIOUS))

    def _version(self, label: str) -> Secrets:
        text = _read_version(self.secrets_manager, self.arn, label)
        return () if text is None else (text,)


def _read_version(secrets_manager: "SecretsManagerClient", arn: str, label: str) -> str | None:
    """Read the version with a staging label; None if no version has it."""
    with translate_aws_errors():
        try:
            answer = secrets_manager.get_secret_value(SecretId=arn, VersionStage=label)
        except ClientError as error:
            if error.response["Error"]["Code"] == _NO_SUCH_VERSION:
                return None
            raise
    return answer["SecretString"]


@dataclass
class StoredApiCredentials:
    """``ApiCredentials`` from Secrets Manager; cached values stay valid during an outage.

    The secret is header lines, ``authorization: Bearer …``, or ``-`` for none. A named source uses
    the version whose staging label is its name, and has no credentials without that version: those
    of one DevLake are never sent to another.
    """

    secrets_manager: "SecretsManagerClient"
    arn: str
    source: str | None
    now: Now

    def __post_init__(self) -> None:
        self._cache = _Cache(self._read, self.now, MIN_SECONDS_BETWEEN_CREDENTIALS)

    def headers(self, *, fresh: bool = False) -> Mapping[str, str]:
        return self._cache.get(fresh=fresh)

    def _read(self) -> Mapping[str, str]:
        text = _read_version(self.secrets_manager, self.arn, self.source or CURRENT)
        if text is None and self.source is None:
            raise InfrastructureError(f"Secrets Manager has no current version of {self.arn}")
        return {} if text is None else _parse_api_headers(text)


def _parse_api_headers(text: str) -> Mapping[str, str]:
    from lakehook.domain.headers import parse_headers  # noqa: PLC0415  few DevLakes ask for any

    lines = [line for line in text.splitlines() if line.strip() not in {"", UNSET}]
    try:
        return parse_headers(lines)
    except InvalidSubscription as error:
        raise InvalidInput(f"the secret for DevLake's API: {error}") from None


@dataclass(frozen=True)
class StoredCaBundle:
    """A parameter of Systems Manager or a secret of Secrets Manager, as its ARN says."""

    arn: str
    ssm: Callable[[Config], "SSMClient"]
    secrets_manager: Callable[[Config], "SecretsManagerClient"]

    def __call__(self) -> str:
        with translate_aws_errors():
            if self.arn.split(":")[2] == _SSM:
                return self.ssm(READ_CONFIG).get_parameter(Name=self.arn)["Parameter"]["Value"]
            answer = self.secrets_manager(READ_CONFIG).get_secret_value(SecretId=self.arn)
        return answer.get("SecretString", "")


@dataclass
class CaBundle:
    """Cache of the certificates of private authorities, read with the first HTTPS request.

    One caller reads them again; the others use the last valid bundle.
    """

    read: Callable[[], str]
    now: Now
    report: Callable[[Exception], None]
    _valid: str | None = field(default=None, repr=False)
    _tried_at: float = float("-inf")
    _reading: Lock = field(default_factory=Lock, repr=False)

    def current(self) -> str | None:
        """Return the last valid bundle, or None while none could be read."""
        if self._is_due() and self._reading.acquire(blocking=self._valid is None):
            try:
                if self._is_due():
                    self._refresh()
            finally:
                self._reading.release()
        return self._valid

    def _is_due(self) -> bool:
        limit = RETRY_SECONDS if self._valid is None else FRESH_FOR_SECONDS
        return not 0 <= self.now() - self._tried_at < limit  # below zero: the clock was set back

    def _refresh(self) -> None:
        from lakehook.adapters.http.tls import check_authorities  # noqa: PLC0415  as its callers do

        try:
            bundle = self.read()
            check_authorities(bundle)
            self._valid = bundle
        except InfrastructureError as error:
            self.report(error)
        except InvalidInput as error:
            kept = "; the last valid one stays in force" if self._valid else ""
            self.report(InvalidInput(f"the CA bundle: {error}{kept}"))
        self._tried_at = self.now()
