"""What AWS asks, in us-east-1, as read on 2026-11-22; dollars a million unless it says otherwise.

https://aws.amazon.com/sqs/pricing https://aws.amazon.com/dynamodb/pricing/on-demand
https://aws.amazon.com/lambda/pricing https://aws.amazon.com/cloudwatch/pricing
https://aws.amazon.com/kms/pricing https://aws.amazon.com/secrets-manager/pricing
"""

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
EGRESS_BYTES = 1024  # of a request, its TLS records and acknowledgements

ALTERNATIVES = {  # for 1 and for 10 subscribers of each event; Pipes and Step Functions for each
    "EventBridge bus + API destinations": (1.46, 0.56),
    "SNS HTTP/S": (1.36, 0.91),
    "Pipes to API destinations": (2.36, 2.36),
    "Step Functions express": (1.57, 1.57),
}
"""None of these keeps order through a failure, or a line of what waits."""


@dataclass(frozen=True, kw_only=True)
class Usage:
    """Counted for one delivery; the share of the fan-out of its event is in it."""

    sqs_requests: float
    write_units: float
    read_units: float
    bytes_logged: float
    batch: int
    subscribers: int

    @property
    def dollars_a_million(self) -> float:
        millions = (
            self.sqs_requests * SQS_FIFO_REQUESTS
            + self.write_units * DYNAMODB_WRITE_UNITS
            + self.read_units * DYNAMODB_READ_UNITS
            + LAMBDA_REQUESTS * (1 + 1 / self.subscribers) / self.batch
        )
        gigabyte_seconds = DELIVER_GB * DELIVER_SECONDS + (
            FAN_OUT_GB * FAN_OUT_SECONDS / self.subscribers
        )
        running = 1e6 * LAMBDA_GB_SECOND * gigabyte_seconds / self.batch
        carried = self.bytes_logged * LOGS_GB + EGRESS_BYTES * EGRESS_GB
        return millions + running + carried / 1e3
