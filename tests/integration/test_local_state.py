"""State of a laptop outlives it: another laptop continues from the same file."""

from pathlib import Path

import pytest

from lakehook.adapters.aws import Aws
from lakehook.adapters.kms import KmsCredentialStore
from lakehook.adapters.system import SystemClock
from lakehook.cli.bootstrap import service_for_outputs
from lakehook.cli.context import CommandService
from lakehook.settings import StackOutputs
from lakehook.subscriptions.subscribe import SubscriptionFields
from local.provision import provision
from local.state import FILE, LaptopState, UnreadableState, stable_key_ids
from tests.builders import an_event
from tests.deployment import TEMPLATE, Mocked


def provisioned(mocked: Mocked) -> StackOutputs:
    mocked.mock.reset()
    with stable_key_ids():
        return StackOutputs.from_outputs(provision(TEMPLATE, {}, mocked.client).outputs)


def service_of(deployment: StackOutputs) -> CommandService:
    return service_for_outputs(deployment, Aws(), print)


def test_subscriptions_secrets_and_messages_are_there_again(mocked: Mocked, tmp_path: Path) -> None:
    deployment = provisioned(mocked)
    terms = SubscriptionFields(name="ci", url="https://ci.example/", headers=["x-key: lake"])
    before, secret = service_of(deployment).subscribe(terms)
    events = [an_event(event_id=f"e{number}") for number in range(3)]
    service_of(deployment).publish(events)
    mocked.client("sqs").receive_message(QueueUrl=deployment.events_queue_url)  # one in flight
    LaptopState(tmp_path / "new", mocked.client, deployment).save()

    fresh = provisioned(mocked)
    LaptopState(tmp_path / "new", mocked.client, fresh).restore()

    after = service_of(fresh).find_subscription("ci")
    keys = KmsCredentialStore(mocked.client("kms"), fresh.secrets_key, SystemClock()).load(after)
    waiting = mocked.client("sqs").receive_message(
        QueueUrl=fresh.events_queue_url, MaxNumberOfMessages=10, AttributeNames=["All"]
    )["Messages"]
    assert secret
    assert after == before
    assert [key.reveal() for key in keys.secrets] == [secret.reveal()]
    assert keys.headers == {"x-key": "lake"}
    ids = [message["Attributes"]["MessageDeduplicationId"] for message in waiting]
    assert ids == ["e0", "e1", "e2"]
    assert (tmp_path / "new" / FILE).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("text", ["{", "[]", '{"version": 0}'])
def test_a_file_that_is_no_state_is_refused(
    mocked: Mocked, deployment: StackOutputs, tmp_path: Path, text: str
) -> None:
    (tmp_path / FILE).write_text(text, encoding="utf-8")

    with pytest.raises(UnreadableState, match=FILE):
        LaptopState(tmp_path, mocked.client, deployment).restore()
