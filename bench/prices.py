"""Prices of AWS in us-east-1, as read on 2026-11-22; dollars a million unless it says otherwise.

https://aws.amazon.com/sqs/pricing https://aws.amazon.com/dynamodb/pricing/on-demand
https://aws.amazon.com/lambda/pricing https://aws.amazon.com/cloudwatch/pricing
https://aws.amazon.com/kms/pricing https://aws.amazon.com/secrets-manager/pricing
"""

from collections.abc import Mapping
from dataclasses import dataclass

SQS_FIFO_REQUESTS = 0.50
DYNAMODB_WRITE_UNITS, DYNAMODB_READ_UNITS = 0.625, 0.125
DYNAMODB_KEPT_GB, DYNAMODB_RECOVERABLE_GB = 0.25, 0.20  # dollars a gigabyte and month
LAMBDA_REQUESTS, LAMBDA_GB_SECOND = 0.20, 0.0000133334  # arm64; the latter for each
LOGS_GB, EGRESS_GB = 0.50, 0.09  # dollars a gigabyte
KMS_KEY, SECRET = 1.00, 0.40  # dollars a month; each of the key's first two rotations is a key more
CUSTOM_METRIC, ALARM_METRIC, DASHBOARD = 0.30, 0.10, 3.00  # dollars a month

DELIVER_GB, DELIVER_SECONDS = 0.5, 0.2  # of memory, and of a batch whose receivers take 200 ms
FAN_OUT_GB, FAN_OUT_SECONDS = 0.25, 0.03  # and of a batch of events
EGRESS_BYTES = 2048  # of a request: body, headers, TLS, and its share of handshakes
KEPT_MONTHS_OF_EVENTS, KEPT_MONTHS_OF_RECORDS = 1, 2

ALTERNATIVES = {  # for 1 and for 10 subscribers of each event; Pipes and Step Functions for each
    "EventBridge bus + API destinations": (1.46, 0.56),
    "SNS HTTP/S": (1.36, 0.91),
    "Pipes to API destinations": (2.36, 2.36),
    "Step Functions express": (1.57, 1.57),
}
"""None of these keeps order through a failure, or lists what waits."""


@dataclass(frozen=True, kw_only=True)
class Usage:
    """Counted for one delivery; the share of its event's publishing and fan-out is in it."""

    sqs_requests: float
    write_units: float
    index_units: float
    read_units: float
    bytes_logged: float
    event_bytes: float  # stored in the journal
    record_bytes: float  # stored in the ledger
    batches: float  # of deliveries, for each delivery
    event_batches: float

    @property
    def dollars(self) -> Mapping[str, float]:
        """Return what a million deliveries cost, by the item of the bill."""
        gigabyte_seconds = self.batches * DELIVER_GB * DELIVER_SECONDS + (
            self.event_batches * FAN_OUT_GB * FAN_OUT_SECONDS
        )
        stored_gb = (
            self.event_bytes * KEPT_MONTHS_OF_EVENTS + self.record_bytes * KEPT_MONTHS_OF_RECORDS
        ) / 1e3
        return {
            "SQS": self.sqs_requests * SQS_FIFO_REQUESTS,
            "Lambda": (self.batches + self.event_batches) * LAMBDA_REQUESTS
            + 1e6 * gigabyte_seconds * LAMBDA_GB_SECOND,
            "DynamoDB, writes": self.write_units * DYNAMODB_WRITE_UNITS,
            "DynamoDB, writes of indexes": self.index_units * DYNAMODB_WRITE_UNITS,
            "DynamoDB, reads": self.read_units * DYNAMODB_READ_UNITS,
            "DynamoDB, kept": stored_gb * (DYNAMODB_KEPT_GB + DYNAMODB_RECOVERABLE_GB),
            "logs": self.bytes_logged * LOGS_GB / 1e3,
            "egress": EGRESS_BYTES * EGRESS_GB / 1e3,
        }

    @property
    def dollars_a_million(self) -> float:
        return sum(self.dollars.values())
