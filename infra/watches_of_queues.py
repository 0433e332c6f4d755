"""What of the queues wakes people."""

from collections.abc import Sequence

from aws_cdk import aws_cloudwatch as cloudwatch

from infra.fifo_queue import FifoQueue
from infra.measures import PERIOD, Measures
from infra.tail import tail
from infra.watch import DAY, MINUTE, Watch

MOST_IN_FLIGHT = 120_000
"""https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-fifo.html"""

NEAR = 0.8


def watches_of_queues(measures: Measures) -> Sequence[Watch]:
    return (*_of_letters(measures), *_of_work(measures))


def _of_letters(measures: Measures) -> Sequence[Watch]:
    events, deliveries = measures.events.dead_letters, measures.deliveries.dead_letters
    stack = measures.namespace
    return (
        Watch(
            name="DeadLetters",
            metric=deliveries.metric_approximate_number_of_messages_visible(),
            above=0,
            minutes=5,
            means="Deliveries were given up; under strict ordering their lanes stand still.",
            type=f"lakehook dead-letters list --stack {stack}",
        ),
        Watch(
            name="BadEvents",
            metric=events.metric_approximate_number_of_messages_visible(),
            above=0,
            minutes=5,
            means="A producer has sent what is no event; each message says why.",
            type="aws sqs receive-message --message-attribute-names All --visibility-timeout 0"
            f" --queue-url {events.queue_url}",
        ),
        Watch(
            name="OldDeadLetters",
            metric=_oldest_of(measures),
            above=10 * DAY,
            minutes=5,
            means="In less than four days SQS forgets a message that nobody has looked at.",
            type=f"lakehook dead-letters list --stack {stack}",
        ),
    )


def _oldest_of(measures: Measures) -> cloudwatch.MathExpression:
    queues = {
        "letters": measures.deliveries.dead_letters,
        "parked": measures.events.dead_letters,
    }
    return cloudwatch.MathExpression(
        expression="MAX([FILL(letters, 0), FILL(parked, 0)])",
        using_metrics={
            name: queue.metric_approximate_age_of_oldest_message() for name, queue in queues.items()
        },
        label="Oldest dead letter",
        period=PERIOD,
    )


def _of_work(measures: Measures) -> Sequence[Watch]:
    return (
        Watch(
            name="OldestEvent",
            metric=measures.events.queue.metric_approximate_age_of_oldest_message(),
            above=5 * MINUTE,
            minutes=5,
            means="Events are not being fanned out: the function fails, or tables are away.",
            type=tail(measures, "fanout"),
        ),
        Watch(
            name="OldestDelivery",
            metric=measures.deliveries.queue.metric_approximate_age_of_oldest_message(),
            above=15 * MINUTE,
            minutes=5,
            means="Deliveries are not taken off their queue, where nothing should ever wait long.",
            type=tail(measures, "deliver"),
        ),
        Watch(
            name="GroupsInFlight",
            metric=_groups_in_flight(measures.deliveries),
            above=NEAR * MOST_IN_FLIGHT,
            minutes=5,
            means=f"SQS hands out nothing more at {MOST_IN_FLIGHT} messages in flight.",
            type=f"lakehook lanes list --held --stack {measures.namespace}",
        ),
    )


def _groups_in_flight(queue: FifoQueue) -> cloudwatch.Metric:
    return queue.queue.metric(
        "ApproximateNumberOfGroupsWithInflightMessages",
        statistic="Maximum",
        period=PERIOD,
    )
