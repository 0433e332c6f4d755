"""Attributes of a queue, and quotas of SQS."""

from dataclasses import dataclass
from typing import Protocol

from local.fifo.message import StoredMessage

DAY = 86_400


class RedriveTarget(Protocol):
    def admit(self, entry: StoredMessage) -> None: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class RedrivePolicy:
    """Target of a message that was received ``max_receive_count`` times."""

    queue: RedriveTarget
    max_receive_count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class QueueSettings:
    """Queue attributes; times are in seconds."""

    visibility_timeout: float = 30
    delay: float = 0
    retention: float = 4 * DAY
    maximum_message_size: int = 1_048_576
    content_based_deduplication: bool = False
    deduplication_per_group: bool = False
    redrive: RedrivePolicy | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """Quotas of every FIFO queue; a test may make them small.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-fifo.html
    """

    in_flight: int = 120_000
    look_ahead: int = 120_000
