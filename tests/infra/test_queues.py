"""Order, patience and room: what the promises ask of SQS."""

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
    }


def test_every_queue_keeps_order_per_group_at_high_throughput(production: Blueprint) -> None:
    for queue in production.queues.values():
        assert queue["FifoQueue"] is True
        assert queue["DeduplicationScope"] == "messageGroup"
        assert queue["FifoThroughputLimit"] == "perMessageGroupId"


def test_every_queue_keeps_messages_for_as_long_as_sqs_can(production: Blueprint) -> None:
    kept = {queue["MessageRetentionPeriod"] for queue in production.queues.values()}

    assert kept == {FOURTEEN_DAYS}


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


def test_each_source_has_a_dead_letter_queue_of_its_own(production: Blueprint) -> None:
    pairs = {
        source["QueueName"]: dead_letters_of(source, production)["QueueName"]
        for source in sources(production)
    }

    assert pairs == {
        "Lakehook-events.fifo": "Lakehook-events-dead-letter.fifo",
        "Lakehook-deliveries.fifo": "Lakehook-dead-letter.fifo",
    }


def test_sqs_moves_a_message_only_after_a_thousand_receives(production: Blueprint) -> None:
    counts = [source["RedrivePolicy"]["maxReceiveCount"] for source in sources(production)]

    assert counts == [1000, 1000]


def test_a_dead_letter_queue_admits_its_own_source_only(production: Blueprint) -> None:
    for source in sources(production):
        policy = dead_letters_of(source, production)["RedriveAllowPolicy"]
        (arn,) = policy["sourceQueueArns"]

        assert policy["redrivePermission"] == "byQueue"
        assert arn["Fn::Join"][1][-1] == f":{source['QueueName']}"


def test_a_message_put_aside_fits_with_its_reason(production: Blueprint) -> None:
    room = [
        dead_letters_of(source, production).get("MaximumMessageSize", 1024 * 1024)
        - source["MaximumMessageSize"]
        for source in sources(production)
    ]

    assert min(room) >= 8 * 1024
