"""Queues: order, timeouts and capacity that the promises rely on."""

import json

from tests.infra.blueprint import Blueprint, Json

FOURTEEN_DAYS = 14 * 24 * 3600


def dead_letters_of(source: Json, blueprint: Blueprint) -> Json:
    return blueprint.queues[source["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0]]


def sources(blueprint: Blueprint) -> list[Json]:
    return [queue for queue in blueprint.queues.values() if "RedrivePolicy" in queue]


def test_operators_and_producers_find_the_queues_by_name(production: Blueprint) -> None:
    assert production.queue_names == {
        "Lakehook-events.fifo",
        "Lakehook-events-dead-letter.fifo",
        "Lakehook-deliveries.fifo",
        "Lakehook-dead-letter.fifo",
        "Lakehook-events-dead-letter-source.fifo",
        "Lakehook-dead-letter-source.fifo",
    }


def test_every_queue_keeps_order_per_group_at_high_throughput(production: Blueprint) -> None:
    for queue in production.queues.values():
        assert queue["FifoQueue"] is True
        assert queue["DeduplicationScope"] == "messageGroup"
        assert queue["FifoThroughputLimit"] == "perMessageGroupId"


def test_every_queue_keeps_messages_for_as_long_as_sqs_can(production: Blueprint) -> None:
    periods = {queue["MessageRetentionPeriod"] for queue in production.queues.values()}

    assert periods == {FOURTEEN_DAYS}


def test_every_queue_encrypts_what_it_holds(production: Blueprint) -> None:
    assert all(queue["SqsManagedSseEnabled"] is True for queue in production.queues.values())


def test_every_queue_refuses_plain_http(production: Blueprint) -> None:
    refusing = [
        queue["Ref"]
        for policy in production.resources("AWS::SQS::QueuePolicy").values()
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Deny"
        and statement.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}
        for queue in policy["Queues"]
    ]

    assert sorted(refusing) == sorted(production.queues)


def test_sqs_offers_to_redrive_each_dead_letter_queue(production: Blueprint) -> None:
    pairs = {
        source["QueueName"]: dead_letters_of(source, production)["QueueName"]
        for source in sources(production)
    }

    assert pairs == {
        "Lakehook-events-dead-letter-source.fifo": "Lakehook-events-dead-letter.fifo",
        "Lakehook-dead-letter-source.fifo": "Lakehook-dead-letter.fifo",
    }


def test_no_queue_that_a_function_reads_has_a_redrive_policy(production: Blueprint) -> None:
    """A redrive policy would move a message past its lane, whatever its limit."""
    names = {
        mapping["EventSourceArn"]["Fn::GetAtt"][0]
        for mapping in production.resources("AWS::Lambda::EventSourceMapping").values()
    }

    assert len(names) == 2
    assert not [name for name in names if "RedrivePolicy" in production.queues[name]]


def test_a_redrive_policy_of_another_queue_gives_no_right_to_send(production: Blueprint) -> None:
    source_names = {name for name, queue in production.queues.items() if "RedrivePolicy" in queue}
    allowed = json.dumps(
        [
            statement["Resource"]
            for policy in production.resources("AWS::IAM::Policy").values()
            for statement in policy["PolicyDocument"]["Statement"]
        ]
    )

    assert not [name for name in source_names if name in allowed]


def test_a_dead_letter_queue_admits_its_own_source_only(production: Blueprint) -> None:
    for source in sources(production):
        policy = dead_letters_of(source, production)["RedriveAllowPolicy"]
        (arn,) = policy["sourceQueueArns"]

        assert policy["redrivePermission"] == "byQueue"
        assert arn["Fn::Join"][1][-1] == f":{source['QueueName']}"


def test_a_message_put_aside_fits_with_its_reason(production: Blueprint) -> None:
    sizes = {
        queue["QueueName"]: queue.get("MaximumMessageSize", 1024 * 1024)
        for queue in production.queues.values()
    }

    for name in ("events", "deliveries"):
        dead = {"events": "events-dead-letter", "deliveries": "dead-letter"}[name]
        room = sizes[f"Lakehook-{dead}.fifo"] - sizes[f"Lakehook-{name}.fifo"]
        assert room >= 8 * 1024
