"""SQS client of a producer, and checks before anything is sent."""

import re
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import BotoCoreError, NoRegionError

from lakehook.adapters.aws import PATIENT_CONFIG
from lakehook.adapters.sqs.events import EventsQueue
from lakehook.domain.errors import PublishError
from lakehook.domain.event_values import show_value

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_QUEUE_URL = re.compile(r"https?://[!-~]+\.fifo")
_ON_AWS = re.compile(r"https://sqs\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?/.*")
_EXAMPLE = "https://sqs.eu-central-1.amazonaws.com/123456789012/events.fifo"


def open_events_queue(url: Any, client: "SQSClient | None") -> EventsQueue:
    """Open the queue; ``PublishError`` if the URL can't be one of a FIFO queue, or without access.

    A caller with a client of its own has the URL from the stack's output, as our functions do.
    """
    if isinstance(url, str) and (_QUEUE_URL.fullmatch(url) or (client and url)):
        return EventsQueue(url, client or new_sqs_client(url))
    raise PublishError(
        f"queue URL: {show_value(url)} is not the URL of a FIFO queue, such as {_EXAMPLE};"
        " the stack's output EventsQueueUrl says which"
    )


def new_sqs_client(queue_url: str) -> "SQSClient":
    """Create a client in the queue's region; ``PublishError`` without region or credentials."""
    from lakehook.adapters.aws_session import new_session  # noqa: PLC0415  functions have clients

    on_aws = _ON_AWS.fullmatch(queue_url)
    try:
        session = new_session(region=on_aws[1] if on_aws else None)
        client = session.create_client("sqs", config=PATIENT_CONFIG)
        credentials = session.get_credentials()
    except NoRegionError:
        raise PublishError(
            "no AWS region: set AWS_REGION, or for a laptop AWS_ENDPOINT_URL"
        ) from None
    except (BotoCoreError, ValueError) as error:  # ValueError: an invalid endpoint URL
        raise PublishError(" ".join(str(error).split())) from error
    if credentials is None:
        raise PublishError(
            "no AWS credentials: give the process a role, AWS_PROFILE or AWS_ACCESS_KEY_ID;"
            " for a laptop set AWS_ENDPOINT_URL"
        )
    return cast("SQSClient", client)
