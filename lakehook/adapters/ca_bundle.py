"""The CA bundle: certificates of private authorities, which an operator stores in AWS.

It is read with the first HTTPS request, then at most every few minutes, so an authority is replaced
without a deployment. A valid bundle stays in force while the next one cannot be read.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

from botocore.config import Config

from lakehook.adapters.aws import translate_aws_errors
from lakehook.adapters.http.tls import check_authorities
from lakehook.domain.errors import InfrastructureError, InvalidInput
from lakehook.ports.ingress import Now

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_ssm import SSMClient

REFRESH_SECONDS = 300.0
RETRY_SECONDS = 10.0
"""Interval of reads while there is no bundle at all."""

READ_CONFIG = Config(connect_timeout=1, read_timeout=1, retries={"total_max_attempts": 1})
"""A delivery waits for the read, outside of its deadline."""

_SSM = "ssm"


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
    """Cache of the bundle. One caller reads it again; the others use the last valid one."""

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
        limit = RETRY_SECONDS if self._valid is None else REFRESH_SECONDS
        return not 0 <= self.now() - self._tried_at < limit  # below zero: the clock was set back

    def _refresh(self) -> None:
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
