"""AWS clients, and how their failures are told from everyone else's."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from lakehook.domain.errors import OwnTrouble

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_sqs import SQSClient

# Ten lanes of a batch speak at once. A call that hangs must end well within an invocation.
_CONFIG = Config(
    connect_timeout=2,
    read_timeout=5,
    max_pool_connections=20,
    retries={"mode": "standard", "max_attempts": 3},
)

_VALUE = re.compile(r"(?<=value: ).*?(?=, (?:type|valid))", re.DOTALL)


class Aws:
    """The clients of one process; made from one session, each when it is first asked for."""

    def __init__(self, session: boto3.Session | None = None) -> None:
        self._session = session or boto3.Session()

    def cloudformation(self) -> "CloudFormationClient":
        return self._session.client("cloudformation", config=_CONFIG)

    def sqs(self) -> "SQSClient":
        return self._session.client("sqs", config=_CONFIG)

    def dynamodb(self) -> "DynamoDBClient":
        return self._session.client("dynamodb", config=_CONFIG)

    def kms(self) -> "KMSClient":
        return self._session.client("kms", config=_CONFIG)


@contextmanager
def own_trouble() -> Iterator[None]:
    """Give AWS's failures the one name that the use cases know."""
    try:
        yield
    except ParamValidationError as error:  # its text repeats what was to be sent
        raise OwnTrouble(_VALUE.sub("…", str(error))) from None
    except (BotoCoreError, ClientError) as error:
        raise OwnTrouble(str(error)) from error
