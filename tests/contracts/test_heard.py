"""Contract of the record of DevLake's last notifications."""

from typing import Any

import boto3
import pytest

from lakehook.adapters.dynamodb.last_heard import DynamoHeard
from lakehook.domain.devlake.last_heard import Heard, LastAccepted, LastRefused
from lakehook.domain.devlake.refusal import Refusal, RefusalKind
from lakehook.domain.errors import InfrastructureError
from lakehook.domain.event import Event
from lakehook.settings import StackOutputs
from tests.builders import an_event
from tests.fakes import NOON, FakeClock
from tests.fakes_ingress import FakeHeard

ANOTHER_SECRET = Refusal(
    RefusalKind.SIGNATURE,
    "sign: not by the notification secret",
    seems_devlake=True,
    is_notice=True,
)
NOT_JSON = Refusal(RefusalKind.NOT_A_NOTICE, "not JSON", seems_devlake=True, is_notice=True)
STRANGE = Refusal(RefusalKind.METHOD, "notifications are posted", seems_devlake=True)


@pytest.fixture(params=["fake", "dynamodb"])
def record(request: pytest.FixtureRequest, clock: FakeClock) -> FakeHeard | DynamoHeard:
    if request.param == "fake":
        return FakeHeard(clock)
    table = request.getfixturevalue("deployment").pipelines_table
    return DynamoHeard(boto3.client("dynamodb"), table, clock.now)


def a_notice(number: int = 39, source: str | None = None, **changes: Any) -> Event:
    key = f"{source}/{number}" if source else str(number)
    changes |= {"source": source} if source else {}
    return an_event(pipeline_id=number, event_id=f"devlake:{key}:PIPELINE_RUNNING:1", **changes)


def test_nothing_is_recorded_before_the_first_notification(record: FakeHeard | DynamoHeard):
    assert record.heard(None) == Heard()
    assert record.heard("staging") == Heard()


def test_accepted_and_refused_are_kept_beside_each_other(
    record: FakeHeard | DynamoHeard, clock: FakeClock
):
    record.accepted(a_notice())
    clock.sleep(1.25)
    record.refused(None, ANOTHER_SECRET)

    assert record.heard(None) == Heard(
        accepted=LastAccepted(NOON, "devlake:39:PIPELINE_RUNNING:1"),
        refused=LastRefused(NOON + 1.25, "signature", "sign: not by the notification secret"),
    )


def test_each_source_has_a_record_of_its_own(record: FakeHeard | DynamoHeard):
    record.accepted(a_notice(39))
    record.accepted(a_notice(39, source="staging"))
    record.refused("production", NOT_JSON)

    assert record.heard(None).accepted == LastAccepted(NOON, "devlake:39:PIPELINE_RUNNING:1")
    assert record.heard("staging") == Heard(
        accepted=LastAccepted(NOON, "devlake:staging/39:PIPELINE_RUNNING:1")
    )
    assert record.heard("production") == Heard(
        refused=LastRefused(NOON, "not_a_notice", "not JSON")
    )


def test_of_each_source_one_notice_in_ten_seconds_is_recorded(
    record: FakeHeard | DynamoHeard, clock: FakeClock
):
    record.accepted(a_notice(1))
    clock.sleep(9)
    record.accepted(a_notice(2))
    record.accepted(a_notice(7, source="staging"))
    early = record.heard(None).accepted
    clock.sleep(1)
    record.accepted(a_notice(3))

    assert early == LastAccepted(NOON, "devlake:1:PIPELINE_RUNNING:1")
    assert record.heard(None).accepted == LastAccepted(NOON + 10, "devlake:3:PIPELINE_RUNNING:1")
    assert record.heard("staging").accepted


def test_refusals_of_strangers_are_not_each_written(
    record: FakeHeard | DynamoHeard, clock: FakeClock
):
    record.refused(None, ANOTHER_SECRET)
    clock.sleep(9.5)
    record.refused(None, NOT_JSON)
    record.refused("staging", NOT_JSON)
    early = record.heard(None).refused, record.heard("staging").refused
    clock.sleep(0.5)
    record.refused(None, NOT_JSON)

    assert early == (
        LastRefused(NOON, "signature", ANOTHER_SECRET.reason),
        LastRefused(NOON + 9.5, "not_a_notice", "not JSON"),
    )
    assert record.heard(None).refused == LastRefused(NOON + 10, "not_a_notice", "not JSON")


def test_a_strangers_refusal_neither_hides_a_notices_nor_puts_it_off(
    record: FakeHeard | DynamoHeard, clock: FakeClock
):
    record.refused(None, STRANGE)
    assert record.heard(None).refused == LastRefused(
        NOON, "method", "notifications are posted", is_notice=False
    )

    record.refused(None, ANOTHER_SECRET)
    clock.sleep(60)
    record.refused(None, STRANGE)
    assert record.heard(None).refused == LastRefused(NOON, "signature", ANOTHER_SECRET.reason)

    record.accepted(a_notice())
    clock.sleep(10)
    record.refused(None, STRANGE)
    refused = record.heard(None).refused
    assert refused
    assert (refused.at, refused.is_notice) == (NOON + 70, False)


@pytest.mark.parametrize(
    "event",
    [
        an_event(),
        a_notice(reconciled=True),
        a_notice(inferred=True),
        an_event(event_type="PIPELINE_STALLED"),
    ],
    ids=["of another producer", "reconciled", "inferred", "stalled"],
)
def test_only_what_devlake_has_just_sent_is_heard(
    record: FakeHeard | DynamoHeard, clock: FakeClock, event: Event
):
    record.accepted(event)
    assert record.heard(None) == Heard()

    record.accepted(a_notice())
    assert record.heard(None).accepted


def test_a_reason_is_one_short_line_without_what_moves_a_terminal(
    record: FakeHeard | DynamoHeard,
):
    record.refused(None, Refusal(RefusalKind.NOT_A_NOTICE, "\x1b[2J\nx\u202e " + "y" * 5000))

    refused = record.heard(None).refused
    assert refused
    assert refused.reason.startswith("[2J x yyy")
    assert len(refused.reason) == 500


def test_a_failed_write_is_an_infrastructure_error_and_not_repeated_for_each_event(
    deployment: StackOutputs, clock: FakeClock
):
    dynamodb = boto3.client("dynamodb")
    dynamodb.delete_table(TableName=deployment.pipelines_table)
    away = FakeHeard(clock, away=True)

    for record in (DynamoHeard(dynamodb, deployment.pipelines_table, clock.now), away):
        with pytest.raises(InfrastructureError):
            record.accepted(a_notice())
        with pytest.raises(InfrastructureError):
            record.refused(None, NOT_JSON)
        with pytest.raises(InfrastructureError):
            record.heard(None)
        record.accepted(a_notice())
        record.refused(None, NOT_JSON)


def test_the_record_of_notifications_is_no_pipeline_and_never_expires(
    deployment: StackOutputs, clock: FakeClock
):
    dynamodb = boto3.client("dynamodb")
    record = DynamoHeard(dynamodb, deployment.pipelines_table, clock.now)
    record.accepted(a_notice())
    record.refused(None, NOT_JSON)

    (item,) = dynamodb.scan(TableName=deployment.pipelines_table)["Items"]
    assert item["pipeline_id"] == {"S": "devlake#default"}
    assert item["record"] == {"S": "heard"}
    assert "expires_at" not in item
