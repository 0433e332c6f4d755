"""What a template admits is what the functions can read."""

import re

import pytest

from lakehook.settings import NONE
from tests.infra.blueprint import Blueprint


@pytest.mark.parametrize(
    ("sender", "taken"),
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
    production: Blueprint, sender: str, *, taken: bool
):
    pattern = production.template["Parameters"]["EmailSender"]["AllowedPattern"]

    assert (re.fullmatch(pattern, sender) is not None) == taken


def test_unless_it_is_said_no_mail_is_sent(production: Blueprint):
    assert production.template["Parameters"]["EmailSender"]["Default"] == NONE
