"""Who may do what to which resource: all of it, so that a new grant is a decision."""

from typing import Any

from tests.infra.blueprint import Blueprint

NAMES = ["clock", "deliver", "fanout", "ingress"]

CONSUME = {
    "sqs:ChangeMessageVisibility",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "sqs:GetQueueUrl",
    "sqs:ReceiveMessage",
}
SEND = {"sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:SendMessage"}
READ_SUBSCRIPTIONS = {"dynamodb:GetItem", "dynamodb:Scan"}
TRANSACT = {
    "dynamodb:BatchGetItem",
    "dynamodb:ConditionCheckItem",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
}
WRITE_ITS_LOG = {"logs:CreateLogStream", "logs:PutLogEvents"}


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def resource_named(arn: dict[str, Any], blueprint: Blueprint) -> str:
    """By the output that tells of it, else by its logical id."""
    if "Fn::Join" in arn:
        table, *middle, path = arn["Fn::Join"][1]
        if middle:
            return str(path).strip(":")
        return f"{resource_named(table, blueprint)}{path}"
    told: dict[str, str] = {
        str(output["Value"]): name for name, output in blueprint.template["Outputs"].items()
    }
    id_ = str(arn["Ref"] if "Ref" in arn else arn["Fn::GetAtt"][0])
    return told.get(str({"Ref": id_})) or told.get(str(arn)) or id_


def granted(function: str, blueprint: Blueprint) -> dict[str, set[str]]:
    allowed: dict[str, set[str]] = {}
    for grant in blueprint.grants(function):
        assert grant["Effect"] == "Allow"
        for arn in as_list(grant["Resource"]):
            allowed.setdefault(resource_named(arn, blueprint), set()).update(
                as_list(grant["Action"])
            )
    return allowed


def own_log(function: str, blueprint: Blueprint) -> str:
    log: str = blueprint.functions[function]["LoggingConfig"]["LogGroup"]["Ref"]
    return log


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


def test_mail_is_sent_as_the_one_sender_and_as_nobody_else(production: Blueprint) -> None:
    (grant,) = (one for one in production.grants("deliver") if one["Action"] == "ses:SendEmail")

    assert grant["Condition"] == {"StringEquals": {"ses:FromAddress": {"Ref": "EmailSender"}}}


def test_the_ingress_reads_its_secret_and_sends_events(production: Blueprint) -> None:
    assert granted("ingress", production) == {
        "NotificationSecretArn": {"secretsmanager:GetSecretValue"},
        "EventsQueueUrl": SEND,
        own_log("ingress", production): WRITE_ITS_LOG,
    }


def test_fanout_numbers_events_and_sends_deliveries(production: Blueprint) -> None:
    assert granted("fanout", production) == {
        "EventsQueueUrl": CONSUME,
        "EventsDeadLetterQueueUrl": SEND,
        "SubscriptionsTable": READ_SUBSCRIPTIONS,
        "PipelinesTable": TRANSACT,
        "DeliveriesQueueUrl": SEND,
        own_log("fanout", production): WRITE_ITS_LOG,
    }


def test_deliver_keeps_the_ledger_and_alone_reads_secrets(production: Blueprint) -> None:
    assert granted("deliver", production) == {
        "DeliveriesQueueUrl": CONSUME | SEND,
        "DeadLetterQueueUrl": SEND,
        "SubscriptionsTable": READ_SUBSCRIPTIONS | {"dynamodb:UpdateItem"},
        "DeliveriesTable/index/asleep": {"dynamodb:Query"},
        "DeliveriesTable": TRANSACT | {"dynamodb:DeleteItem", "dynamodb:Query"},
        "SecretsKey": {"kms:Decrypt"},
        "identity/*": {"ses:SendEmail"},
        own_log("deliver", production): WRITE_ITS_LOG,
    }


def test_the_clock_wakes_what_is_due_and_tells_of_stalls(production: Blueprint) -> None:
    assert granted("clock", production) == {
        "DeliveriesTable/index/due": {"dynamodb:Query"},
        "DeliveriesTable/index/held": {"dynamodb:Query"},
        "DeliveriesTable": {
            "dynamodb:BatchGetItem",
            "dynamodb:DeleteItem",
            "dynamodb:GetItem",
            "dynamodb:UpdateItem",
        },
        "DeliveriesQueueUrl": SEND,
        "PipelinesTable/index/unended": {"dynamodb:Query"},
        "PipelinesTable": {"dynamodb:UpdateItem"},
        "EventsQueueUrl": SEND,
        own_log("clock", production): WRITE_ITS_LOG,
    }
