"""Settings of a stage, and their effect on what is deployed."""

from typing import Any

from bench import idle
from tests.infra.blueprint import Blueprint, Json

MOST_DOLLARS_IDLE = 6.0


def statements_of_events(blueprint: Blueprint) -> list[Json]:
    """Statements of the events queue's policy, less those that all queues have."""
    events = blueprint.template["Outputs"]["EventsQueueUrl"]["Value"]
    (policy,) = [
        policy["PolicyDocument"]["Statement"]
        for policy in blueprint.resources("AWS::SQS::QueuePolicy").values()
        if events in policy["Queues"]
    ]
    return [statement for statement in policy if "sqs:SendMessage" in statement["Action"]]


def role_of(function: str, blueprint: Blueprint) -> Any:
    return blueprint.functions[function]["Role"]


def test_only_producers_may_send_events_whatever_iam_allows(production: Blueprint) -> None:
    (statement,) = statements_of_events(production)

    assert (statement["Effect"], statement["Principal"]) == ("Deny", {"AWS": "*"})
    assert statement["Condition"] == {
        "ArnNotEquals": {
            "aws:PrincipalArn": [role_of("ingress", production), role_of("scheduler", production)]
        },
        "StringNotEquals": {"aws:PrincipalAccount": [{"Ref": "AWS::AccountId"}]},
    }


def test_only_named_producers_and_lakehook_s_functions_may_send(
    chosen: Blueprint,
) -> None:
    allowed, denied = statements_of_events(chosen)
    role = "arn:aws:iam::123456789012:role/pipeline-service"

    assert allowed["Effect"] == "Allow"
    assert set(allowed["Action"]) == {"sqs:GetQueueUrl", "sqs:SendMessage"}
    assert set(allowed["Principal"]["AWS"]) == {role, "arn:aws:iam::210987654321:root"}
    assert denied["Condition"]["StringNotEquals"] == {"aws:PrincipalAccount": ["210987654321"]}
    assert denied["Condition"]["ArnNotEquals"]["aws:PrincipalArn"] == [
        role,
        role_of("ingress", chosen),
        role_of("scheduler", chosen),
    ]


def test_principals_that_may_not_send_events_may_read_queues_and_redrive_dead_letters(
    chosen: Blueprint,
) -> None:
    """IAM must allow it; the statements of the queues' policies that deny are listed in full."""
    plain_http = {"Bool": {"aws:SecureTransport": "false"}}
    denied = {
        (queue, action)
        for policy in chosen.resources("AWS::SQS::QueuePolicy").values()
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Deny" and statement["Condition"] != plain_http
        for queue in map(chosen.output_name_of, policy["Queues"])
        for action in [statement["Action"]]
    }

    assert denied == {("EventsQueueUrl", "sqs:SendMessage")}


def test_no_policy_of_a_queue_allows_a_principal_that_was_not_named(
    production: Blueprint, rehearsal: Blueprint
) -> None:
    for blueprint in (production, rehearsal):
        policies = blueprint.resources("AWS::SQS::QueuePolicy").values()
        effects = [
            statement["Effect"]
            for policy in policies
            for statement in policy["PolicyDocument"]["Statement"]
        ]

        assert set(effects) == {"Deny"}


def test_the_sender_and_functions_that_call_devlake_join_the_network(
    chosen: Blueprint, production: Blueprint
) -> None:
    """A network that leads to no Secrets Manager must not cost notices of those who need it not."""
    configs = {name: function.get("VpcConfig") for name, function in chosen.functions.items()}

    network = {
        "SubnetIds": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
        "SecurityGroupIds": ["sg-0123456789abcdef0"],
    }
    where_devlake_is_asked = {"Fn::If": ["AsksDevlake", network, {"Ref": "AWS::NoValue"}]}
    assert {name: config for name, config in configs.items() if config} == {
        "deliver": network,
        "ingress": where_devlake_is_asked,
        "scheduler": where_devlake_is_asked,
    }
    assert chosen.template["Conditions"]["AsksDevlake"] == {
        "Fn::Or": [
            {"Fn::Not": [{"Fn::Equals": [{"Ref": "DevlakeApiUrl"}, "-"]}]},
            {"Fn::Not": [{"Fn::Equals": [{"Ref": "DevlakeSources"}, "{}"]}]},
        ]
    }
    assert not [function for function in production.functions.values() if "VpcConfig" in function]


def test_lambda_makes_the_sender_s_interfaces_and_the_sender_s_code_makes_none(
    chosen: Blueprint,
) -> None:
    of_ec2 = [grant for grant in chosen.grants("deliver") if "ec2:" in str(grant["Action"])]

    allowed, denied = sorted(of_ec2, key=lambda grant: str(grant["Effect"]))
    assert (allowed["Effect"], denied["Effect"]) == ("Allow", "Deny")
    assert allowed["Action"] == denied["Action"]
    assert "Condition" not in allowed
    (functions,) = denied["Condition"]["ArnLike"].values()
    assert functions == "arn:aws:lambda:eu-central-1:123456789012:function:Lakehook-chosen-*"


def test_the_sender_alone_reads_the_bundle_of_authorities_where_there_is_one(
    chosen: Blueprint, production: Blueprint
) -> None:
    arn = "arn:aws:ssm:eu-central-1:123456789012:parameter/lakehook/ca-bundle"

    readers = {
        name
        for name in chosen.functions
        if ("ssm:GetParameter", arn) in chosen.allowed_actions(name)
    }

    assert readers == {"deliver"}
    assert chosen.environment("deliver")["CA_BUNDLE_ARN"] == arn
    assert production.environment("deliver")["CA_BUNDLE_ARN"] == "-"


def test_retention_periods_are_those_of_the_stage(chosen: Blueprint) -> None:
    logs = chosen.resources("AWS::Logs::LogGroup").values()

    assert {log["RetentionInDays"] for log in logs} == {30}
    for function in ("fanout", "api"):
        assert chosen.environment(function)["EVENT_RETENTION_DAYS"] == "14"
    assert chosen.template["Outputs"]["EventRetentionDays"]["Value"] == "14"
    assert chosen.environment("deliver")["RECORD_RETENTION_DAYS"] == "20"


def test_a_schedule_that_is_chosen_reaches_a_stack_that_stands_by_the_next_deployment(
    chosen: Blueprint, production: Blueprint
) -> None:
    """A parameter's default would not: a stack keeps the value that it has."""
    schedules = [
        blueprint.environment("deliver")["RETRY_SCHEDULE"] for blueprint in (chosen, production)
    ]

    assert schedules == ["5,60", "5,300,1800,7200,18000,36000,50400,72000,86400"]


def test_no_choice_of_a_stage_is_a_parameter(chosen: Blueprint, production: Blueprint) -> None:
    of_the_cdk = {"BootstrapVersion"}

    own_parameters = [
        blueprint.template["Parameters"].keys() - of_the_cdk for blueprint in (chosen, production)
    ]
    assert own_parameters[0] == own_parameters[1]


def test_a_stage_is_deployed_by_the_bootstrap_stack_of_its_qualifier(chosen: Blueprint) -> None:
    version = chosen.template["Parameters"]["BootstrapVersion"]["Default"]

    assert version == "/cdk-bootstrap/mine/version"


def test_every_role_of_a_stage_stays_within_its_boundary(
    chosen: Blueprint, production: Blueprint
) -> None:
    boundaries = [
        [role.get("PermissionsBoundary") for role in blueprint.resources("AWS::IAM::Role").values()]
        for blueprint in (chosen, production)
    ]

    assert set(boundaries[0]) == {"arn:aws:iam::123456789012:policy/developers"}
    assert set(boundaries[1]) == {None}


def test_a_key_that_exists_keeps_its_policy_and_is_the_one_that_secrets_are_encrypted_by(
    chosen: Blueprint,
) -> None:
    key = "arn:aws:kms:eu-central-1:210987654321:key/01234567-89ab-cdef-0123-456789abcdef"

    assert chosen.template["Outputs"]["SecretsKey"]["Value"] == key
    granted = {
        (name, *grant) for name in ("api", "deliver") for grant in chosen.allowed_actions(name)
    }
    assert {grant for grant in granted if key in grant} == {
        ("api", "kms:Encrypt", key),
        ("deliver", "kms:Decrypt", key),
    }
    assert "AWS::KMS::Key" not in chosen.types


def test_a_stage_for_trials_has_no_alarms_and_no_dashboard(rehearsal: Blueprint) -> None:
    assert not {"AWS::CloudWatch::Alarm", "AWS::CloudWatch::Dashboard"} & rehearsal.types


def test_a_stage_for_trials_costs_while_idle_what_production_does_less_its_alarms(
    production: Blueprint, rehearsal: Blueprint
) -> None:
    production_rows, rehearsal_rows = (
        idle.idle_rows(blueprint.template) for blueprint in (production, rehearsal)
    )

    assert idle.monthly_dollars(rehearsal_rows, monitored=False) == idle.monthly_dollars(
        production_rows, monitored=False
    )
    assert idle.monthly_dollars(production_rows, monitored=True) <= MOST_DOLLARS_IDLE


def test_only_the_sender_decrypts_secrets_and_no_role_can_grant_the_key(
    production: Blueprint,
) -> None:
    (key,) = production.resources("AWS::KMS::Key").values()
    administer, opened = key["KeyPolicy"]["Statement"]

    assert "kms:Decrypt" not in administer["Action"]
    assert not {"kms:*", "kms:Create*", "kms:CreateGrant"} & set(administer["Action"])
    assert opened["Action"] == "kms:Decrypt"
    assert opened["Condition"] == {
        "ArnEquals": {"aws:PrincipalArn": role_of("deliver", production)}
    }


def test_the_operators_topic_and_every_queue_refuse_plain_http(production: Blueprint) -> None:
    for kind in ("AWS::SNS::TopicPolicy", "AWS::SQS::QueuePolicy"):
        for policy in production.resources(kind).values():
            effects = [
                statement["Effect"]
                for statement in policy["PolicyDocument"]["Statement"]
                if statement.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}
            ]
            assert effects == ["Deny"]


def test_no_tick_of_the_scheduler_is_retried(production: Blueprint) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html"""
    (config,) = production.resources("AWS::Lambda::EventInvokeConfig").values()

    assert config["FunctionName"]["Ref"] == production.logical_id("scheduler")
    assert config["MaximumRetryAttempts"] == 0
    assert config["MaximumEventAgeInSeconds"] == 60
