"""What other implementations do differently from AWS, where a contract test sees it.

Each is expected to fail; one that always did and has ended is an error, and its row goes.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Deviation:
    store: str
    test: str
    behaviour: str
    source: str
    """What AWS does instead."""
    always: bool = True


SIZE = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html"

DEVIATIONS = (
    Deviation(
        "elasticmq",
        "test_batches_are_packed_by_bytes_and_not_by_characters",
        "refuses messages and batches of more than 256 KiB; SQS takes 1 MiB since August 2025",
        SIZE,
    ),
    Deviation(
        "elasticmq",
        "test_the_largest_message_can_be_parked_whatever_the_reason",
        "the same limit",
        SIZE,
    ),
    Deviation(
        "ministack",
        "test_of_many_who_ask_at_once_each_gets_a_place_of_its_own[dynamodb]",
        "does not isolate updates of one item: two at a time may both find their condition true",
        "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/WorkingWithItems.html",
        always=False,
    ),
)
