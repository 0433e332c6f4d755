"""AWS clients and sessions, AWS's errors, the outputs of a stack, and the topic of operators."""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any, cast

import botocore
import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from lakehook import __version__
from lakehook.domain.errors import InfrastructureError, StackNotFound
from lakehook.settings import StackOutputs

if TYPE_CHECKING:
    import boto3
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sesv2 import SESV2Client
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_ssm import SSMClient


# The ten lanes of a batch call in parallel. A hanging call must end well within an invocation.
PATIENT_CONFIG = Config(
    connect_timeout=2,
    read_timeout=5,
    max_pool_connections=20,
    retries={"mode": "standard", "max_attempts": 3},
)

HIGH_VOLUME_CONFIG = PATIENT_CONFIG.merge(
    Config(
        # The service validates each request itself. botocore's own validation takes a fifth of the
        # CPU of a put, and a quarter of that of a batch (``python -m bench --only aws_clients``).
        parameter_validation=False,
        # botocore builds its own twice for each request, 5 % of a call.
        user_agent=f"Lakehook/{__version__} Botocore/{botocore.__version__}",
    )
)
"""For the functions on the way of every delivery."""

FAIL_FAST_CONFIG = Config(
    connect_timeout=1, read_timeout=2, retries={"mode": "standard", "max_attempts": 2}
)
"""For callers that wait for the response."""

_VALUE = re.compile(r"(?<=value: ).*?(?=, (?:type|valid))", re.DOTALL)
_REFUSED = "ValidationError"  # the name is the whole request, so the name is invalid

LAPTOP_REGION = "us-east-1"
_ANYONE = "local"


class Aws:
    """AWS clients of one process, each created from one session when it is first used.

    boto3 would add a tenth of a second to a function's start; its clients are botocore's. Threads
    take turns, as a session cannot create two clients at a time:
    https://boto3.amazonaws.com/v1/documentation/api/latest/guide/session.html
    """

    def __init__(
        self, session: "boto3.Session | None" = None, *, config: Config = PATIENT_CONFIG
    ) -> None:
        self._config = config
        self._clients: dict[str, Any] = {}
        self._turn = Lock()
        self._create: Callable[..., Any] = (
            session.client if session else botocore.session.get_session().create_client
        )

    def cloudformation(self) -> "CloudFormationClient":
        return cast("CloudFormationClient", self._client("cloudformation"))

    def sqs(self) -> "SQSClient":
        return cast("SQSClient", self._client("sqs"))

    def dynamodb(self) -> "DynamoDBClient":
        return cast("DynamoDBClient", self._client("dynamodb"))

    def kms(self) -> "KMSClient":
        return cast("KMSClient", self._client("kms"))

    def secrets_manager(self, config: Config | None = None) -> "SecretsManagerClient":
        return cast("SecretsManagerClient", self._client("secretsmanager", config))

    def ssm(self, config: Config | None = None) -> "SSMClient":
        return cast("SSMClient", self._client("ssm", config))

    def sns(self) -> "SNSClient":
        return cast("SNSClient", self._client("sns"))

    def cloudwatch(self) -> Any:
        """Return a client that fails fast: a page waits for it that can do without."""
        return self._client("cloudwatch", FAIL_FAST_CONFIG)

    def sesv2(self, config: Config) -> "SESV2Client":
        """Create a client with its own timeouts: a mail has a deadline."""
        with self._turn:
            return cast("SESV2Client", self._create("sesv2", config=config))

    def _client(self, service: str, config: Config | None = None) -> Any:
        with self._turn:
            if service not in self._clients:
                self._clients[service] = self._create(service, config=config or self._config)
            return self._clients[service]


@contextmanager
def translate_aws_errors() -> Iterator[None]:
    """Translate AWS's errors to ``InfrastructureError``."""
    try:
        yield
    except ParamValidationError as error:  # its text repeats the request
        raise InfrastructureError(_VALUE.sub("…", str(error))) from None
    except (BotoCoreError, ClientError) as error:
        raise InfrastructureError(str(error)) from error


@dataclass(frozen=True)
class CloudFormationStacks:
    cloudformation: "CloudFormationClient"

    def find(self, name: str) -> StackOutputs:
        """Return the outputs of the deployment; ``StackNotFound`` says what is missing."""
        try:
            return StackOutputs.from_outputs(self._outputs(name))
        except KeyError as error:
            raise StackNotFound(
                f"stack {name!a} has no output {error.args[0]}; is it a Lakehook, fully deployed?"
            ) from None

    def _outputs(self, name: str) -> dict[str, str]:
        if not name.isprintable():  # a request may be unable to hold it
            raise StackNotFound(f"stack {name!a} is not a possible name")
        with translate_aws_errors():
            try:
                stacks = self.cloudformation.describe_stacks(StackName=name)["Stacks"]
            except ClientError as error:
                if error.response["Error"]["Code"] != _REFUSED:
                    raise
                message = error.response["Error"]["Message"]
                region = self.cloudformation.meta.region_name
                raise StackNotFound(
                    f"{message} in {region}, in the account of these credentials; AWS_REGION,"
                    " AWS_PROFILE and --stack (or LAKEHOOK_STACK) say where to look"
                ) from None
        return {
            output["OutputKey"]: output["OutputValue"] for output in stacks[0].get("Outputs", [])
        }


def new_session(*, region: str | None = None) -> botocore.session.Session:
    """Create a session of the command or a producer, not of a function, by its configuration.

    Locally ``AWS_ENDPOINT_URL`` is enough.
    """
    session = botocore.session.get_session()
    # The CDK and other AWS SDKs read AWS_REGION; botocore does not.
    if region := region or os.environ.get("AWS_REGION"):  # noqa: TID251
        session.set_config_variable("region", region)
    if os.environ.get("AWS_ENDPOINT_URL"):  # noqa: TID251  the one place that looks
        _fill_in(session)
    return session


def _fill_in(session: botocore.session.Session) -> None:
    # A laptop has no instance role, and querying the network for one takes seconds.
    session.get_component("credential_provider").remove("iam-role")
    if session.get_config_variable("region") is None:
        session.set_config_variable("region", LAPTOP_REGION)
    if session.get_credentials() is None:
        session.set_credentials(_ANYONE, _ANYONE)


@dataclass(frozen=True)
class SnsOperatorNotifier:
    """The client is made when there is something to send: most runs have nothing."""

    aws: Aws
    topic_arn: str

    def publish(self, subject: str, text: str) -> None:
        """Publish a message of at most 256 KiB.

        https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
        """
        with translate_aws_errors():
            self.aws.sns().publish(TopicArn=self.topic_arn, Subject=subject, Message=text)
