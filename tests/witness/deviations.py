"""Deviations of other implementations from AWS, where a test sees them.

Each is expected to fail; one that always did and has ended is an error, and its row goes.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Deviation:
    store: str
    behaviour: str
    source: str
    """What AWS does instead."""
    tests: tuple[str, ...]
    """Names of tests, or of recorded histories."""
    always: bool = True


RECORDED = "tests/outside/sqs"
EXPIRED_RECEIPT = "a receipt whose timeout is over deletes nothing"
COMES_BACK = (
    "groups whose timeout expired go behind one that was free",
    "groups received with visibility 0 go behind one that was free",
)
VISIBLE_FRONT = (
    "a group given back by visibility 0 goes behind a free one, and only its visible front comes",
    "a group whose changed timeout expired goes behind a free one, and its visible front comes",
)
AFTER_DELETE = "a group whose messages were deleted is served by the age of its next one"

DEVIATIONS = (
    Deviation(
        "elasticmq",
        "refuses messages and batches of more than 256 KiB; SQS takes 1 MiB",
        "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html",
        (
            "test_batches_are_packed_by_bytes_and_not_by_characters",
            "test_the_largest_message_can_be_parked_whatever_the_reason",
        ),
    ),
    Deviation(
        "elasticmq",
        "serves a group that came back, or whose messages were deleted, in its old place",
        RECORDED,
        (*COMES_BACK, *VISIBLE_FRONT, AFTER_DELETE),
    ),
    Deviation("elasticmq", "deletes by an expired receipt", RECORDED, (EXPIRED_RECEIPT,)),
    Deviation(
        "elasticmq",
        "knows no deduplication by group",
        RECORDED,
        ("in high throughput a deduplication id is of its group",),
    ),
    Deviation(
        "localstack",
        "serves a group whose messages were deleted behind all others",
        RECORDED,
        (AFTER_DELETE,),
    ),
    Deviation(
        "ministack",
        "takes one message of a group, and then of the next; SQS takes all that it has room for",
        RECORDED,
        (
            "a receive gives the run of one group, and then of the next",
            COMES_BACK[1],
            AFTER_DELETE,
            "a group with one message in flight gives nothing",
        ),
    ),
    Deviation(
        "ministack",
        "serves a group that came back in its old place",
        RECORDED,
        (COMES_BACK[0],),
    ),
    Deviation(
        "ministack",
        "gives nothing of a group while any of its messages is in flight",
        RECORDED,
        (
            *VISIBLE_FRONT,
            "nothing of a group comes from message 2 on while that is extended",
            "nothing of a group comes from message 3 on while that is extended",
        ),
    ),
    Deviation("ministack", "deletes by an expired receipt", RECORDED, (EXPIRED_RECEIPT,)),
    Deviation(
        "ministack",
        "knows deduplication ids after a purge",
        RECORDED,
        ("a purge forgets deduplication ids",),
    ),
    Deviation(
        "ministack",
        "does not isolate updates of one item: two at a time may both find their condition true",
        "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/WorkingWithItems.html",
        ("test_concurrent_reservations_are_all_different[dynamodb]",),
        always=False,
    ),
)
