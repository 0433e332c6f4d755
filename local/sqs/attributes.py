"""Attributes of a FIFO queue, validated, and converted to the model's settings.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
"""

from collections.abc import Mapping
from typing import Any

from moto.sqs.exceptions import InvalidAttributeValue, InvalidParameterValue

from local.fifo import QueueSettings, RedrivePolicy

CHOICES = {
    "DeduplicationScope": ("queue", "messageGroup"),
    "FifoThroughputLimit": ("perQueue", "perMessageGroupId"),
}


def is_fifo(attributes: Mapping[str, Any]) -> bool:
    return str(attributes.get("FifoQueue")).lower() == "true"


def check_throughput(attributes: Mapping[str, Any]) -> None:
    for name, choices in CHOICES.items():
        if attributes[name] not in choices:
            raise InvalidAttributeValue(name)
    scope, limit = (attributes[name] for name in CHOICES)
    if limit == "perMessageGroupId" and scope != "messageGroup":
        raise InvalidParameterValue(
            "The perMessageGroupId value of FifoThroughputLimit is allowed only when the value of "
            "DeduplicationScope is messageGroup."
        )


def settings_from(attributes: Mapping[str, Any], redrive: RedrivePolicy | None) -> QueueSettings:
    return QueueSettings(
        visibility_timeout=attributes["VisibilityTimeout"],
        delay=attributes["DelaySeconds"],
        retention=attributes["MessageRetentionPeriod"],
        maximum_message_size=attributes["MaximumMessageSize"],
        content_based_deduplication=attributes["ContentBasedDeduplication"] == "true",
        deduplication_per_group=attributes["DeduplicationScope"] == "messageGroup",
        redrive=redrive,
    )
