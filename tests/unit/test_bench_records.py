"""Records of the bench, which calls handlers as Lambda does and runs seldom."""

from bench import aws_clients
from functions.deliver.handler import queue_message
from functions.fanout.handler import event_message


def test_records_of_the_bench_can_be_read_by_both_functions():
    record = aws_clients.sqs_record("sub_a#39", "{}")

    delivery, event = queue_message(record), event_message(record)

    assert delivery.group == event.group == "sub_a#39"
    assert delivery.received_at is not None
