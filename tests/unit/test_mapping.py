"""The laptop's event source mapping passes and deletes messages as Lambda does."""

import json
from typing import Any

import pytest

from local.runtime_api import InvocationFailure, InvocationResult
from local.triggers import done, event_of
from tests.outside import OUTSIDE

RECORDED: list[dict[str, Any]] = json.loads(
    (OUTSIDE / "aws_lambda" / "partial_batches.json").read_text(encoding="utf-8")
)
QUEUE_ARN = "arn:aws:sqs:eu-west-1:123456789012:events.fifo"


def test_a_record_has_lambdas_shape() -> None:
    attributes = {
        "ApproximateReceiveCount": "1",
        "SentTimestamp": "1700000000000",
        "SequenceNumber": "18849496460467696128",
        "MessageGroupId": "39",
        "SenderId": "AIDA",
        "MessageDeduplicationId": "e1",
        "ApproximateFirstReceiveTimestamp": "1700000000001",
    }
    message: Any = {
        "MessageId": "m1",
        "ReceiptHandle": "r1",
        "MD5OfBody": "900150983cd24fb0d6963f7d28e17f72",
        "Body": "abc",
        "Attributes": attributes,
        "MessageAttributes": {
            "reason": {"StringValue": "spent", "DataType": "String"},
            "raw": {"BinaryValue": b"\x00\xff", "DataType": "Binary"},
        },
    }

    no_lists = {"stringListValues": [], "binaryListValues": []}

    event = event_of([message], queue_arn=QUEUE_ARN)

    assert event == {
        "Records": [
            {
                "messageId": "m1",
                "receiptHandle": "r1",
                "body": "abc",
                "attributes": attributes,
                "messageAttributes": {
                    "reason": {"stringValue": "spent", "dataType": "String", **no_lists},
                    "raw": {"binaryValue": "AP8=", "dataType": "Binary", **no_lists},
                },
                "md5OfBody": "900150983cd24fb0d6963f7d28e17f72",
                "eventSource": "aws:sqs",
                "eventSourceARN": QUEUE_ARN,
                "awsRegion": "eu-west-1",
            }
        ]
    }


def failures(*identifiers: Any) -> dict[str, Any]:
    return {"batchItemFailures": [{"itemIdentifier": identifier} for identifier in identifiers]}


ALL_IDS = ["a", "b", "c"]
NONE: list[str] = []


@pytest.mark.parametrize(
    ("response", "deleted"),
    [
        (b"", ALL_IDS),
        (b"{", NONE),
        # https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html: success
        (None, ALL_IDS),
        ({}, ALL_IDS),
        ({"batchItemFailures": []}, ALL_IDS),
        ({"batchItemFailures": None}, ALL_IDS),
        # some failed
        (failures("b"), ["a", "c"]),
        (failures("b", "b"), ["a", "c"]),
        # not understood: all failed; believed of an id that is not of the batch, as documented
        (failures(""), NONE),
        (failures(None), NONE),
        (failures(7), NONE),
        (failures("b", ""), NONE),
        (failures("stranger"), NONE),
        ({"batchItemFailures": ["b"]}, NONE),
        ({"batchItemFailures": "b"}, NONE),
        ([], NONE),
        ("done", NONE),
    ],
)
def test_messages_are_deleted_by_the_report_of_the_handler(
    response: Any, deleted: list[str]
) -> None:
    body = response if isinstance(response, bytes) else json.dumps(response).encode()

    assert done(ALL_IDS, InvocationResult(body), reports_failures=True) == deleted


@pytest.mark.parametrize("recorded", RECORDED, ids=lambda recorded: recorded["test"])
def test_messages_recorded_to_come_back_are_not_deleted(recorded: dict[str, Any]) -> None:
    result = (
        InvocationFailure("ValueError", "no")
        if recorded.get("raised")
        else InvocationResult(json.dumps(recorded["result"]).encode())
    )

    deleted = done(recorded["batch"], result, reports_failures=True)

    assert [
        message_id for message_id in recorded["batch"] if message_id not in deleted
    ] == recorded["returned"]


@pytest.mark.parametrize("reports_failures", [True, False])
def test_an_exception_fails_the_whole_batch(*, reports_failures: bool) -> None:
    failure = InvocationFailure("ValueError", "no")

    assert done(ALL_IDS, failure, reports_failures=reports_failures) == NONE


def test_a_mapping_without_partial_failures_takes_any_answer_for_success() -> None:
    answer = InvocationResult(json.dumps(failures("b")).encode())

    assert done(ALL_IDS, answer, reports_failures=False) == ALL_IDS
