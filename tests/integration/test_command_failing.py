"""Dead letters and held lanes on the cloud of the template: the command and the functions."""

from dataclasses import replace
from typing import Any

import boto3
import pytest

from functions.deliver.handler import queue_message
from lakehook.adapters.dynamodb.endpoints import DynamoEndpointHealthStore
from lakehook.adapters.dynamodb.ledger import DynamoLedger
from lakehook.adapters.dynamodb.subscriptions import DynamoSubscriptions
from lakehook.adapters.sqs.dead_letters import SqsDeadLetterQueue
from lakehook.adapters.sqs.deliveries import SqsDeliveryQueue, SqsMessageAcks
from lakehook.adapters.system import SystemClock
from lakehook.delivery.batch import build_deliver
from lakehook.domain.delivery import Lane
from lakehook.domain.retry import RetrySchedule
from lakehook.settings import StackOutputs
from tests.builders import a_delivery
from tests.delivering import DeliverFunction
from tests.fakes import NOON, FakeClock, FakeSender
from tests.integration.test_command import Terminal, add, terminal
from tests.ticking import a_tick

__all__ = ["terminal"]


class Functions:
    """The deliver function and the scheduler without the network; every failure is final."""

    def __init__(self, deployment: StackOutputs) -> None:
        dynamodb, clock = boto3.client("dynamodb"), SystemClock()
        self.deployment, self.queue = deployment, boto3.client("sqs")
        self.attempts = FakeSender(FakeClock(NOON))
        self.ledger = DynamoLedger(dynamodb, deployment.deliveries_table, clock)
        self.deliveries = SqsDeliveryQueue(self.queue, deployment.deliveries_queue_url)
        self.healths = DynamoEndpointHealthStore(dynamodb, deployment.deliveries_table)
        self._ports = replace(
            DeliverFunction().ports(),
            ledger=self.ledger,
            endpoint_health=self.healths,
            subscriptions=DynamoSubscriptions(dynamodb, deployment.subscriptions_table, clock),
            queue=self.deliveries,
            acks=SqsMessageAcks(self.queue, deployment.deliveries_queue_url),
            dead_letters=SqsDeadLetterQueue(self.queue, deployment.dead_letter_queue_url),
            sender=self.attempts,
            clock=clock,
        )

    def deliver(self) -> None:
        """Process messages until the deliveries queue shows no more."""
        deliver_batch = build_deliver(self._ports, RetrySchedule(()))
        while messages := self.visible_messages(self.deployment.deliveries_queue_url):
            batch = [self._parcel(message) for message in messages]
            failed_ids = {failure.id for failure in deliver_batch(batch, _ages)}
            processed = [message for message in messages if message["MessageId"] not in failed_ids]
            self.delete(self.deployment.deliveries_queue_url, processed)

    def tick(self) -> None:
        """Run a tick of the scheduler, and deliver what it resumed."""
        a_tick(self.ledger, self.deliveries, SystemClock()).resume_lanes()
        self.deliver()

    def visible_messages(self, url: str) -> list[Any]:
        answer = self.queue.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=10,
            WaitTimeSeconds=0,
            MessageAttributeNames=["All"],
            AttributeNames=["All"],
        )
        return list(answer.get("Messages", []))

    def delete(self, url: str, messages: list[Any]) -> None:
        for message in messages:
            self.queue.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])

    def _parcel(self, message: Any) -> Any:
        return queue_message(
            {
                "messageId": message["MessageId"],
                "attributes": message["Attributes"],
                "body": message["Body"],
                "receiptHandle": message["ReceiptHandle"],
                "messageAttributes": message.get("MessageAttributes", {}),
            }
        )


def _ages() -> float:
    return 600.0


@pytest.fixture
def functions(deployment: StackOutputs) -> Functions:
    return Functions(deployment)


class Story:
    """A subscription whose first delivery is dead-lettered, with two more behind it."""

    def __init__(self, terminal: Terminal, functions: Functions, *options: str) -> None:
        subscriptions = len(terminal.json("subscriptions", "list"))
        name = f"ci-{subscriptions}" if subscriptions else "ci"
        subscription = add(terminal, "--name", name, *options)["subscription_id"]
        self.lane = Lane(subscription, "39")
        self.first, self.second, self.third = (f"{self.lane}#{n}" for n in (1, 2, 3))
        self.functions = functions
        functions.attempts.script[self.first] = [functions.attempts.failure()]
        for sequence in (1, 2, 3):
            functions.deliveries.enqueue_deliveries(
                [a_delivery(sequence, subscription=subscription)]
            )
            functions.deliver()

    @property
    def attempted_sequences(self) -> list[int]:
        return [
            int(message_id.rpartition("#")[2]) for message_id in self.functions.attempts.message_ids
        ]


def test_a_letter_holds_its_lane_and_is_explained(terminal: Terminal, functions: Functions) -> None:
    story = Story(terminal, functions)

    (letter,) = terminal.json("dead-letters", "list")
    (lane,) = terminal.json("lanes", "list", "--held")
    letter_details = terminal.json("dead-letters", "show", story.first)
    behind = terminal.json("deliveries", "show", story.second)
    listed = terminal.json("deliveries", "list", "--subscription", "ci", "--status", "waiting")

    assert story.attempted_sequences == [1]
    assert (letter["delivery_id"], letter["reason"]) == (story.first, "rejected")
    assert (lane["head"], lane["state"], lane["waiting_behind"]) == (1, "dead letter", 2)
    assert letter_details["event"]["pipeline_id"] == 39
    assert [attempt["status"] for attempt in letter_details["log"]] == [500]
    assert behind["next"] == "waits behind #1, which is a dead letter"
    assert {delivery["delivery_id"] for delivery in listed} == {story.second, story.third}


def test_a_letter_deleted_from_the_queue_by_hand_is_redriven_by_its_id(
    terminal: Terminal, functions: Functions, deployment: StackOutputs
) -> None:
    story = Story(terminal, functions)
    by_hand = functions.visible_messages(deployment.dead_letter_queue_url)
    functions.delete(deployment.dead_letter_queue_url, by_hand)

    terminal.json("dead-letters", "redrive", story.first)
    functions.deliver()

    assert len(by_hand) == 1
    assert story.attempted_sequences == [1, 1, 2, 3]
    assert terminal.json("dead-letters", "list") == terminal.json("lanes", "list", "--held") == []
    assert terminal.json("deliveries", "show", story.first)["next"] == "delivered"


def test_a_letter_redriven_twice_leaves_the_queue_and_is_revived_once(
    terminal: Terminal, functions: Functions, deployment: StackOutputs
) -> None:
    story = Story(terminal, functions)

    terminal.json("dead-letters", "redrive", story.first)
    assert functions.visible_messages(deployment.dead_letter_queue_url) == []
    terminal.json("dead-letters", "redrive", story.first)
    functions.deliver()

    assert story.attempted_sequences == [1, 1, 2, 3]
    assert terminal("dead-letters", "redrive", story.first) == 3
    assert "not a dead letter; it is delivered" in terminal.outputs[-1]


def test_a_redriven_letter_that_fails_again_is_a_letter_again(
    terminal: Terminal, functions: Functions, deployment: StackOutputs
) -> None:
    story = Story(terminal, functions)
    functions.attempts.script[story.first] = [functions.attempts.failure()]

    terminal.json("dead-letters", "redrive", story.first)
    functions.deliver()

    (letter,) = terminal.json("dead-letters", "list")
    assert (letter["attempts"], story.attempted_sequences) == (2, [1, 1])
    assert len(functions.visible_messages(deployment.dead_letter_queue_url)) == 1


@pytest.mark.parametrize("action", ["redrive", "discard"])
def test_an_action_on_all_letters_needs_a_confirmation(
    terminal: Terminal, functions: Functions, deployment: StackOutputs, action: str
) -> None:
    stories = [Story(terminal, functions) for _ in range(2)]

    dry_run = terminal.json("dead-letters", action, "--all")
    letters = terminal.json("dead-letters", "list")
    result = terminal.json("dead-letters", action, "--all", "--yes")
    functions.tick()

    assert (dry_run["dry_run"], dry_run["number"], result["dry_run"], result["number"]) == (
        True,
        2,
        False,
        2,
    )
    assert dry_run["dead_letters"] == letters == result["dead_letters"]
    assert {letter["delivery_id"] for letter in letters} == {story.first for story in stories}
    assert terminal.json("dead-letters", "list") == []
    assert functions.visible_messages(deployment.dead_letter_queue_url) == []


def test_the_consoles_own_redrive_is_a_redrive(
    terminal: Terminal, functions: Functions, deployment: StackOutputs
) -> None:
    story = Story(terminal, functions)
    arns = [
        functions.queue.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])[
            "Attributes"
        ]["QueueArn"]
        for url in (deployment.dead_letter_queue_url, deployment.deliveries_queue_url)
    ]

    functions.queue.start_message_move_task(SourceArn=arns[0], DestinationArn=arns[1])
    functions.deliver()

    assert story.attempted_sequences == [1, 1, 2, 3]
    assert terminal.json("dead-letters", "list") == []


def test_a_letter_that_was_skipped_is_found_and_comes_late(
    terminal: Terminal, functions: Functions
) -> None:
    story = Story(terminal, functions, "--ordering", "skip")
    assert terminal.json("lanes", "list", "--held") == []
    (letter,) = terminal.json("dead-letters", "list", "--subscription", "ci")

    terminal.json("dead-letters", "redrive", letter["delivery_id"])
    functions.deliver()

    assert story.attempted_sequences == [1, 2, 3, 1]
    assert terminal.json("dead-letters", "list") == []
