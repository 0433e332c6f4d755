"""Commands of AWS in the documents exist in AWS's own command, with their options."""

import re
from collections.abc import Iterator

import pytest
from botocore import xform_name
from botocore.session import Session

from tests.infra.test_documents import code_in_prose, commands_to_type

OF_EACH = {"output", "profile", "query", "region"}
MADE_BY_THE_COMMAND = {
    # https://docs.aws.amazon.com/cli/latest/reference/logs/tail.html
    ("logs", "tail"): {"filter-pattern", "follow", "format", "since"},
    # https://docs.aws.amazon.com/cli/latest/reference/sso/login.html
    ("sso", "login"): {"no-browser", "sso-session", "use-device-code"},
}


MODELS = {"deploy": "codedeploy"}
"""Services to which the command gives another name."""


def commands() -> Iterator[tuple[str, str]]:
    for where, line in (*commands_to_type(), *code_in_prose()):
        for command in re.split(r"(?:^|(?<=[\s(]))aws ", line)[1:]:
            if re.match(r"[a-z0-9]+ [a-z-]+", command):
                yield where, command


def options_of(service: str, operation: str) -> set[str]:
    if (service, operation) in MADE_BY_THE_COMMAND:
        return MADE_BY_THE_COMMAND[service, operation]
    model = Session().get_service_model(MODELS.get(service, service))
    names = {
        xform_name(operation_name, "-"): operation_name for operation_name in model.operation_names
    }
    input_shape = model.operation_model(names[operation]).input_shape
    return {xform_name(member, "-") for member in input_shape.members} if input_shape else set()


@pytest.mark.parametrize(("where", "command"), sorted(set(commands())))
def test_each_command_of_aws_exists_with_its_options(where: str, command: str):
    service, operation = command.split()[:2]
    options = {option.removeprefix("no-") for option in re.findall(r"(?<=\s)--([a-z-]+)", command)}

    assert options <= options_of(service, operation) | OF_EACH
