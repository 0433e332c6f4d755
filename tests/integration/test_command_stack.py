"""The command finds its deployment by the outputs of the stack, over the wire."""

import boto3
import pytest

from lakehook.cli.command import run
from lakehook.settings import StackOutputs
from local.cloud import Cloud


def test_the_stack_says_where_everything_is(capsys: pytest.CaptureFixture[str]) -> None:
    names = {name: f"the-{name}" for name in StackOutputs.__dataclass_fields__}
    with Cloud() as cloud:
        cloud.describe(
            StackOutputs(
                **names
                | dict.fromkeys(("allowed_networks", "devlake_api_url", "devlake_ui_url"), "-")
                | {"devlake_sources": "{}", "event_retention_days": "30"}
            ).to_outputs()
        )
        boto3.client("dynamodb").create_table(
            TableName="the-subscriptions_table",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )

        code = run(["subscriptions", "list"])

    assert (code, capsys.readouterr().out) == (0, "no subscriptions\n")


def test_a_missing_stack_is_an_error_with_the_text_of_aws(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with Cloud():
        code = run(["subscriptions", "list", "--stack", "Nowhere"])

    error = capsys.readouterr().err
    assert (code, error.count("\n")) == (2, 1)
    assert error.startswith("error: Stack with id Nowhere does not exist in us-east-1, in the")


@pytest.mark.parametrize("name", ["a\udcffb", "a\0b", "\x1b[31m"])
def test_an_invalid_stack_name_is_refused(capsys: pytest.CaptureFixture[str], name: str) -> None:
    code = run(["subscriptions", "list", "--stack", name])

    assert code == 2
    assert capsys.readouterr().err == f"error: stack {name!a} is not a possible name\n"


def test_a_stack_of_another_application_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with Cloud() as cloud:
        cloud.describe({"Website": "https://elsewhere.example"})

        code = run(["subscriptions", "list"])

    assert code == 2
    assert "has no output SubscriptionsTable; is it a Lakehook" in capsys.readouterr().err


def test_an_unreachable_aws_is_an_infrastructure_error(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")

    code = run(["subscriptions", "list"])

    assert code == 4
    assert capsys.readouterr().err.startswith("error: Could not connect to the endpoint URL")
