from dataclasses import replace

import pytest

from lakehook.domain.ssrf_policy import parse_networks
from lakehook.settings import (
    UNSET,
    ApiSettings,
    DeliverSettings,
    FanoutSettings,
    IngressSettings,
    SchedulerSettings,
    Settings,
    StackOutputs,
    output_name,
    parse_list,
    parse_optional,
)

FANOUT = FanoutSettings(
    subscriptions_table="subscriptions",
    pipelines_table="pipelines",
    events_queue_url="https://sqs/events.fifo",
    deliveries_queue_url="https://sqs/deliveries.fifo",
    events_dead_letter_queue_url="https://sqs/events-dead-letter.fifo",
)
DELIVER = DeliverSettings(
    subscriptions_table="subscriptions",
    deliveries_table="deliveries",
    deliveries_queue_url="https://sqs/deliveries.fifo",
    dead_letter_queue_url="https://sqs/dead-letter.fifo",
    secrets_key="arn:aws:kms:key",
    retry_schedule="5,300",
    allowed_networks=UNSET,
    email_sender=UNSET,
    visibility_seconds="28",
)
INGRESS = IngressSettings(
    events_queue_url="https://sqs/events.fifo",
    pipelines_table="pipelines",
    notification_secret_arn="arn:aws:secretsmanager:secret",
    empty_secret="refused",
    devlake_api_url=UNSET,
    devlake_ui_url="https://devlake.example",
    devlake_sources="{}",
    devlake_api_secret_arn="arn:aws:secretsmanager:api",
)
CLOCK = SchedulerSettings(
    subscriptions_table="subscriptions",
    deliveries_table="deliveries",
    deliveries_queue_url="https://sqs/d.fifo",
    pipelines_table="pipelines",
    events_queue_url="https://sqs/e.fifo",
    stall_thresholds="{}",
    devlake_api_url=UNSET,
    devlake_ui_url="https://devlake.example",
    devlake_sources="{}",
    devlake_api_secret_arn="arn:aws:secretsmanager:api",
    operators_topic_arn="arn:aws:sns:eu-central-1:123456789012:operators",
    stack_name="Lakehook",
)
DEPLOYMENT = StackOutputs(
    events_queue_url="https://sqs/events.fifo",
    deliveries_queue_url="https://sqs/deliveries.fifo",
    dead_letter_queue_url="https://sqs/dead-letter.fifo",
    events_dead_letter_queue_url="https://sqs/events-dead-letter.fifo",
    subscriptions_table="subscriptions",
    pipelines_table="pipelines",
    deliveries_table="deliveries",
    secrets_key="arn:aws:kms:key",
    allowed_networks=UNSET,
    ingress_url="https://ingress.lambda-url/",
    notification_secret_arn="arn:aws:secretsmanager:secret",
    devlake_api_url=UNSET,
    devlake_ui_url="https://devlake.example",
    devlake_sources="{}",
    devlake_api_secret_arn="arn:aws:secretsmanager:api",
    api_url="https://api.lambda-url/",
    email_sender=UNSET,
    event_retention_days="30",
    operators_topic_arn="arn:aws:sns:eu-central-1:123456789012:operators",
)
API = ApiSettings(
    subscriptions_table="subscriptions",
    pipelines_table="pipelines",
    deliveries_table="deliveries",
    events_queue_url="https://sqs/events.fifo",
    deliveries_queue_url="https://sqs/deliveries.fifo",
    dead_letter_queue_url="https://sqs/dead-letter.fifo",
    events_dead_letter_queue_url="https://sqs/events-dead-letter.fifo",
    secrets_key="arn:aws:kms:key",
    allowed_networks=UNSET,
    email_sender=UNSET,
    event_retention_days="30",
)


@pytest.mark.parametrize(
    "settings", [INGRESS, FANOUT, DELIVER, CLOCK, API], ids=lambda one: type(one).__name__
)
def test_settings_come_out_of_an_environment_as_they_went_in(settings: Settings):
    environment = settings.to_env() | {"PATH": "/bin"}

    assert type(settings).from_env(environment) == settings


@pytest.mark.parametrize(
    ("api_url", "sources", "knows"),
    [
        (UNSET, "{}", False),
        (UNSET, '{"staging": {"ui_url": "https://ui.example/api_url"}}', False),
        (UNSET, '{"staging": {"api_url": "https://devlake.example/api"}}', True),
        ("https://devlake.example/api", "{}", True),
    ],
)
def test_whether_an_api_is_known_is_seen_at_a_glance(api_url: str, sources: str, *, knows: bool):
    settings = replace(CLOCK, devlake_api_url=api_url, devlake_sources=sources)

    assert settings.knows_an_api is knows


def test_a_setting_is_named_like_a_variable():
    assert CLOCK.to_env() == {
        "SUBSCRIPTIONS_TABLE": "subscriptions",
        "DELIVERIES_TABLE": "deliveries",
        "DELIVERIES_QUEUE_URL": "https://sqs/d.fifo",
        "PIPELINES_TABLE": "pipelines",
        "EVENTS_QUEUE_URL": "https://sqs/e.fifo",
        "STALL_THRESHOLDS": "{}",
        "DEVLAKE_API_URL": "-",
        "DEVLAKE_UI_URL": "https://devlake.example",
        "DEVLAKE_SOURCES": "{}",
        "DEVLAKE_API_SECRET_ARN": "arn:aws:secretsmanager:api",
        "OPERATORS_TOPIC_ARN": "arn:aws:sns:eu-central-1:123456789012:operators",
        "STACK_NAME": "Lakehook",
        "RECONCILE_SECONDS": "300",
        "STATUS_SECONDS": "300",
    }


@pytest.mark.parametrize(
    "settings", [INGRESS, FANOUT, DELIVER, CLOCK, API], ids=lambda one: type(one).__name__
)
def test_a_missing_variable_is_named(settings: Settings):
    for name in settings.to_env():
        environment = settings.to_env()
        del environment[name]

        with pytest.raises(KeyError, match=f"^'{name}'$"):
            type(settings).from_env(environment)


def test_a_deployment_comes_out_of_the_outputs_as_it_went_in():
    assert StackOutputs.from_outputs(DEPLOYMENT.to_outputs() | {"Other": "1"}) == DEPLOYMENT


def test_a_missing_output_is_named():
    outputs = DEPLOYMENT.to_outputs()
    del outputs["SecretsKey"]

    with pytest.raises(KeyError, match="'SecretsKey'"):
        StackOutputs.from_outputs(outputs)


def test_an_output_is_named_in_capitals():
    assert output_name("events_dead_letter_queue_url") == "EventsDeadLetterQueueUrl"


@pytest.mark.parametrize(
    ("text", "names"),
    [("-", ()), ("10.0.0.0/8", ("10.0.0.0/8",)), ("10.0.0.0/8,::1/128", ("10.0.0.0/8", "::1/128"))],
)
def test_a_list_is_names_with_commas(text: str, names: tuple[str, ...]):
    assert parse_list(text) == names
    assert len(parse_networks(parse_list(text))) == len(names)


@pytest.mark.parametrize(("text", "said"), [("-", None), ("a@team.example", "a@team.example")])
def test_what_is_not_given_is_a_dash(text: str, said: str | None):
    assert parse_optional(text) == said
