"""Parameters: the template admits exactly the values that the functions can read."""

import re

import pytest

from lakehook.domain.devlake.sources import DevLakeSources
from lakehook.domain.errors import InvalidInput
from lakehook.settings import UNSET
from tests.infra.blueprint import Blueprint


@pytest.mark.parametrize(
    ("sender", "is_valid"),
    [
        ("-", True),
        ("lakehook@team.example", True),
        ("lake.hook+ci@team.example", True),
        ("", False),
        ("team.example", False),
        ("Lakehook <lakehook@team.example>", False),
        ("a@team.example,b@team.example", False),
        ("a@team.example\nBcc: b@team.example", False),
    ],
)
def test_the_sender_of_mail_is_one_plain_address_or_none(
    production: Blueprint, sender: str, *, is_valid: bool
):
    pattern = production.template["Parameters"]["EmailSender"]["AllowedPattern"]

    assert (re.fullmatch(pattern, sender) is not None) == is_valid


def test_by_default_no_mail_is_sent(production: Blueprint):
    assert production.template["Parameters"]["EmailSender"]["Default"] == UNSET


SOURCES = [
    ("{}", True),
    (" { } ", False),  # CloudFormation would hand the spaces on, and nothing else has them
    ("{ }", True),
    ('{"staging": {}}', True),
    ('{"staging":{"api_url":"http://devlake:8080","ui_url":"https://devlake.example/"}}', True),
    ('{\n  "a": { "ui_url": "https://[::1]:4000" },\n  "b": {}\n}', True),
    ('{"a": {"api_url": "https://devlake.example/api/rest", "api_url": "https://x"}}', True),
    ("", False),
    ("-", False),
    ("[]", False),
    ("{}{}", False),
    ('{"staging": {},}', False),
    ('{"staging": null}', False),
    ('{"staging": "https://devlake.example"}', False),
    ('{"staging": {"url": "https://devlake.example"}}', False),
    ('{"staging": {"api_url": null}}', False),
    ('{"staging": {"api_url": "-"}}', False),
    ('{"staging": {"api_url": "ftp://devlake"}}', False),
    ('{"staging": {"api_url": "https://user:password@devlake"}}', False),
    ('{"staging": {"api_url": "https://devlake?a=b"}}', False),
    ('{"staging": {"api_url": "https://devlake#a"}}', False),
    ('{"staging": {"api_url": "https://dev lake"}}', False),
    ('{"staging": {"api_url": "https://devlake\\u0022"}}', False),
    ('{"staging": {"api_url": "https://"}}', False),
    ('{"": {}}', False),
    ('{"a/b": {}}', False),
    ('{"-a": {}}', False),
    ('{"湖": {}}', False),
    (f'{{"{"x" * 33}": {{}}}}', False),
    ('{"default": {}}', False),
    ('{"default-2": {}, "defaults": {}, "aws": {}}', True),
    ('{"AWSCURRENT": {}}', False),
]


@pytest.mark.parametrize(("sources", "is_valid"), SOURCES)
def test_sources_that_are_admitted_can_be_read_and_no_others(
    production: Blueprint, sources: str, *, is_valid: bool
):
    pattern = production.template["Parameters"]["DevlakeSources"]["AllowedPattern"]

    assert (re.fullmatch(pattern, sources) is not None) == is_valid
    if is_valid:
        assert DevLakeSources.parse(UNSET, UNSET, sources)
    else:
        with pytest.raises(InvalidInput, match="devlake sources"):
            DevLakeSources.parse(UNSET, UNSET, sources)


@pytest.mark.parametrize("name", ["DevlakeApiUrl", "DevlakeUiUrl"])
@pytest.mark.parametrize(
    ("url", "is_valid"),
    [
        ("-", True),
        ("http://devlake:8080", True),
        ("https://devlake.example/api/rest/", True),
        ("", False),
        ("devlake:8080", False),
        ("https://user:password@devlake", False),
        ("https://devlake/?a=b", False),
        ("https://devlake/ ", False),
        ("https://devlake\n", False),
    ],
)
def test_a_url_of_devlake_that_is_admitted_can_be_read_and_no_other(
    production: Blueprint, name: str, url: str, *, is_valid: bool
):
    pattern = production.template["Parameters"][name]["AllowedPattern"]
    urls = (url, UNSET) if name == "DevlakeApiUrl" else (UNSET, url)

    assert (re.fullmatch(pattern, url) is not None) == is_valid
    if is_valid:
        assert DevLakeSources.parse(*urls, "{}")
    else:
        with pytest.raises(InvalidInput, match="devlake"):
            DevLakeSources.parse(*urls, "{}")


def test_sources_leave_room_in_a_function_s_environment(production: Blueprint):
    """https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html: 4 KB in all."""
    assert production.template["Parameters"]["DevlakeSources"]["MaxLength"] == 2000
