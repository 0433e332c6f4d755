"""Grants: every action of every function in full, so that a new grant is a decision."""

import pytest

from tests.infra.blueprint import Blueprint

NAMES = ["api", "deliver", "fanout", "ingress", "scheduler"]

TAKE_LETTERS = {"sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:ReceiveMessage"}
CONSUME = {"sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"}
SEND = {"sqs:SendMessage"}
READ_SUBSCRIPTIONS = {"dynamodb:GetItem", "dynamodb:Scan"}
READ_BESIDE_EVENTS = {"dynamodb:BatchGetItem", "dynamodb:Scan"}
NUMBER_EVENTS = {
    "dynamodb:BatchGetItem",
    "dynamodb:BatchWriteItem",
    "dynamodb:PartiQLInsert",
    "dynamodb:PartiQLUpdate",
    "dynamodb:PutItem",
}
KEEP_THE_LEDGER = {
    "dynamodb:BatchGetItem",
    "dynamodb:DeleteItem",
    "dynamodb:GetItem",
    "dynamodb:PartiQLInsert",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "dynamodb:UpdateItem",
}
RECORD_HEARD = {"dynamodb:UpdateItem"}
WRITE_ITS_LOG = {"logs:CreateLogStream", "logs:PutLogEvents"}


def actions_by_resource(function: str, blueprint: Blueprint) -> dict[str, set[str]]:
    allowed: dict[str, set[str]] = {}
    for action, resource in blueprint.allowed_actions(function):
        allowed.setdefault(resource, set()).add(action)
    return allowed


def own_log(function: str, blueprint: Blueprint) -> str:
    return blueprint.log_of(function)


def test_no_role_has_a_policy_that_aws_keeps(production: Blueprint) -> None:
    roles = production.resources("AWS::IAM::Role").values()

    assert not [role for role in roles if "ManagedPolicyArns" in role or "Policies" in role]


def test_no_grant_names_all_actions_or_all_resources(production: Blueprint) -> None:
    grants = [
        grant
        for name in NAMES
        for grant in production.grants(name)
        if grant["Action"] != "ses:SendEmail"  # the test below says as whom
    ]

    assert grants
    assert "*" not in str([(grant["Action"], grant["Resource"]) for grant in grants])


def test_mail_is_sent_only_as_the_configured_sender(production: Blueprint) -> None:
    (grant,) = (
        statement
        for statement in production.grants("deliver")
        if statement["Action"] == "ses:SendEmail"
    )

    assert grant["Condition"] == {"StringEquals": {"ses:FromAddress": {"Ref": "EmailSender"}}}


def test_the_ingress_reads_its_secrets_and_sends_events(production: Blueprint) -> None:
    assert actions_by_resource("ingress", production) == {
        "NotificationSecretArn": {"secretsmanager:GetSecretValue"},
        "PipelinesTable": RECORD_HEARD,
        "DevlakeApiSecretArn": {"secretsmanager:GetSecretValue"},
        "EventsQueueUrl": SEND,
        own_log("ingress", production): WRITE_ITS_LOG,
    }


def test_fanout_numbers_events_and_sends_deliveries(production: Blueprint) -> None:
    assert actions_by_resource("fanout", production) == {
        "EventsQueueUrl": CONSUME | {"sqs:ChangeMessageVisibility"},
        "EventsDeadLetterQueueUrl": SEND,
        "SubscriptionsTable": READ_BESIDE_EVENTS,
        "PipelinesTable": NUMBER_EVENTS | RECORD_HEARD,
        "DeliveriesQueueUrl": SEND,
        own_log("fanout", production): WRITE_ITS_LOG,
    }


@pytest.mark.parametrize("function", ["ingress", "fanout"])
def test_ingress_and_fanout_may_update_only_devlakes_records_in_the_journal(
    production: Blueprint, function: str
) -> None:
    (grant,) = (
        statement
        for statement in production.grants(function)
        if statement["Action"] == "dynamodb:UpdateItem"
    )

    assert grant["Condition"] == {
        "ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["devlake#*"]}
    }


def test_deliver_keeps_the_ledger_and_alone_reads_secrets(production: Blueprint) -> None:
    assert actions_by_resource("deliver", production) == {
        "DeliveriesQueueUrl": CONSUME | SEND | {"sqs:ChangeMessageVisibility"},
        "DeadLetterQueueUrl": SEND,
        "SubscriptionsTable": READ_SUBSCRIPTIONS | {"dynamodb:UpdateItem"},
        "DeliveriesTable/index/suspended": {"dynamodb:Query"},
        "DeliveriesTable": KEEP_THE_LEDGER,
        "SecretsKey": {"kms:Decrypt"},
        "identity/*": {"ses:SendEmail"},
        "configuration-set/*": {"ses:SendEmail"},
        own_log("deliver", production): WRITE_ITS_LOG,
    }


def test_the_api_may_encrypt_secrets_and_decrypt_none(production: Blueprint) -> None:
    assert actions_by_resource("api", production) == {
        "SubscriptionsTable": READ_SUBSCRIPTIONS | {"dynamodb:PutItem", "dynamodb:UpdateItem"},
        "DeliveriesTable": {
            "dynamodb:BatchGetItem",
            "dynamodb:DeleteItem",
            "dynamodb:GetItem",
            "dynamodb:PutItem",
            "dynamodb:Query",
            "dynamodb:Scan",
            "dynamodb:UpdateItem",
        },
        "DeliveriesTable/index/held": {"dynamodb:Query"},
        "PipelinesTable": {"dynamodb:Query", "dynamodb:Scan"},
        "PipelinesTable/index/active": {"dynamodb:Query"},
        "SecretsKey": {"kms:Encrypt"},
        "DeliveriesQueueUrl": SEND,
        "DeadLetterQueueUrl": TAKE_LETTERS,
        "EventsQueueUrl": SEND,
        "EventsDeadLetterQueueUrl": TAKE_LETTERS | {"sqs:GetQueueAttributes"},
        own_log("api", production): WRITE_ITS_LOG,
    }


def test_the_scheduler_resumes_lanes_publishes_stalls_and_replays(production: Blueprint) -> None:
    assert actions_by_resource("scheduler", production) == {
        "DeliveriesTable/index/due": {"dynamodb:Query"},
        "DeliveriesTable/index/held": {"dynamodb:Query"},
        "DeliveriesTable/index/suspended": {"dynamodb:Query"},
        "DeliveriesTable": {
            "dynamodb:BatchGetItem",
            "dynamodb:DeleteItem",
            "dynamodb:GetItem",
            "dynamodb:PutItem",
            "dynamodb:Query",
            "dynamodb:UpdateItem",
        },
        "DeliveriesQueueUrl": SEND,
        "PipelinesTable/index/active": {"dynamodb:Query"},
        "PipelinesTable": {
            "dynamodb:BatchGetItem",
            "dynamodb:Query",
            "dynamodb:Scan",
            "dynamodb:UpdateItem",
        },
        "SubscriptionsTable": READ_SUBSCRIPTIONS,
        "EventsQueueUrl": SEND,
        "DevlakeApiSecretArn": {"secretsmanager:GetSecretValue"},
        "OperatorsTopicArn": {"sns:Publish"},
        own_log("scheduler", production): WRITE_ITS_LOG,
    }
