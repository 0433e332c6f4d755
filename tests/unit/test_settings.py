from dataclasses import fields
from typing import Any

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
    parse_list,
    parse_optional,
)

FUNCTIONS = [IngressSettings, FanoutSettings, DeliverSettings, SchedulerSettings, ApiSettings]


def fill(kind: Any, **changes: str) -> Any:
    """Fill all fields of a kind of settings, each with a value of its own."""
    return kind(**{field.name: f"the {field.name}" for field in fields(kind)} | changes)


@pytest.mark.parametrize("kind", FUNCTIONS)
def test_settings_come_out_of_an_environment_as_they_went_in(kind: type[Settings]):
    settings = fill(kind)

    assert kind.from_env(settings.to_env() | {"PATH": "/bin"}) == settings


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
    settings = fill(SchedulerSettings, devlake_api_url=api_url, devlake_sources=sources)

    assert settings.knows_an_api is knows


def test_a_setting_is_named_like_a_variable_and_an_output_in_capitals():
    settings, outputs = fill(FanoutSettings), fill(StackOutputs)

    assert settings.to_env()["EVENTS_QUEUE_URL"] == "the events_queue_url"
    assert outputs.to_outputs()["EventsQueueUrl"] == "the events_queue_url"


@pytest.mark.parametrize("kind", FUNCTIONS)
def test_a_missing_variable_is_named(kind: type[Settings]):
    environment = fill(kind).to_env()

    for name in environment:
        remaining = {other: value for other, value in environment.items() if other != name}
        with pytest.raises(KeyError, match=f"^'{name}'$"):
            kind.from_env(remaining)


def test_a_deployment_comes_out_of_the_outputs_as_it_went_in_and_a_missing_one_is_named():
    outputs = fill(StackOutputs).to_outputs()

    assert StackOutputs.from_outputs(outputs | {"Other": "1"}) == fill(StackOutputs)
    del outputs["SecretsKey"]
    with pytest.raises(KeyError, match="'SecretsKey'"):
        StackOutputs.from_outputs(outputs)


@pytest.mark.parametrize(
    ("text", "names"),
    [("-", ()), ("10.0.0.0/8", ("10.0.0.0/8",)), ("10.0.0.0/8,::1/128", ("10.0.0.0/8", "::1/128"))],
)
def test_a_list_is_names_with_commas(text: str, names: tuple[str, ...]):
    assert parse_list(text) == names
    assert len(parse_networks(parse_list(text))) == len(names)


@pytest.mark.parametrize(("text", "expected"), [("-", None), ("a@team.example", "a@team.example")])
def test_a_missing_value_is_a_dash(text: str, expected: str | None):
    assert parse_optional(text) == expected
