import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from threading import Thread
from typing import Any

import pytest

from lakehook.adapters.delivery_telemetry import PowertoolsTelemetry
from lakehook.domain.attempt import Attempt, Outcome
from lakehook.domain.errors import InfrastructureError
from lakehook.domain.lane import DeliveryRecord
from lakehook.domain.pipeline import SkipReason
from lakehook.ports.telemetry import ReconcileReport
from tests.builders import a_delivery
from tests.fakes import NOON

BODY = "what the event says"
ANSWER = "what the receiver said"

FAILURE = Attempt(
    at=NOON, outcome=Outcome.REJECTED, milliseconds=7, status=500, excerpt=ANSWER, retry_after=9
)
SUCCESS = Attempt(at=NOON, outcome=Outcome.DELIVERED, milliseconds=12, status=200)
SILENCE = Attempt(at=NOON, outcome=Outcome.TIMED_OUT, milliseconds=10_000)
WAITING = DeliveryRecord.waiting(a_delivery(2, message=BODY))
NUMBERED = a_delivery(2, message=BODY).sequenced
OF_STAGING = DeliveryRecord.waiting(a_delivery(2, message=BODY, source="staging"))
OF_STAGING_NUMBERED = a_delivery(2, message=BODY, source="staging").sequenced
INFERRED = a_delivery(1, message=BODY, inferred=True).sequenced
Say = Callable[[PowertoolsTelemetry], object]
Hear = Callable[[], list[dict[str, Any]]]


@pytest.fixture(autouse=True)
def _environment(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    # Powertools keeps one logger for each service, with the stdout of the moment it was made.
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", request.node.name)
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Lakehook")


@contextmanager
def invoked() -> Iterator[PowertoolsTelemetry]:
    telemetry = PowertoolsTelemetry.from_environment()
    with telemetry.invocation("request-1"):
        yield telemetry


@pytest.fixture
def hear(capsys: pytest.CaptureFixture[str]) -> Hear:
    """What has been printed since the last time, line by line."""
    return lambda: [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def embedded(said: dict[str, Any]) -> "Counted":
    """The unit and the values of each metric, in CloudWatch's embedded metric format."""
    (directive,) = said["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "Lakehook"
    assert directive["Dimensions"] == [["service"]]
    return {
        metric["Name"]: (metric["Unit"], said[metric["Name"]]) for metric in directive["Metrics"]
    }


REPORT = ReconcileReport(
    source="staging", read=7, published=2, unreadable=["1", "2", "3", "4"], has_backlog=True
)

Counted = dict[str, tuple[str, list[float]]]


def line(message: str, level: str = "INFO", **fields: object) -> dict[str, object]:
    return {"message": message, "level": level, **fields}


def count(name: str, value: float = 1) -> Counted:
    return {name: ("Count", [value])}


def took(milliseconds: float) -> Counted:
    return {"AttemptDuration": ("Milliseconds", [milliseconds])}


EVENT = {"pipeline_id": "39", "event_id": "e2", "event_type": "PIPELINE_CREATED"}
DELIVERY = {"delivery": "sub_a#39#2", "subscription": "sub_a", **EVENT}
DEAD, DEAD_OF_STAGING = (
    record.with_attempt(FAILURE).dead("rejected") for record in (WAITING, OF_STAGING)
)
SAYINGS: list[tuple[Say, dict[str, object], Counted]] = [
    (
        lambda it: it.reconciled(REPORT),
        line("reconciled", source="staging", pipelines=7, events=2, has_backlog=True)
        | {"unreadable": ["1", "2", "3"]},
        count("EventsReconciled", 0),
    ),
    (
        lambda it: it.event_reconciled(NUMBERED.event),
        line("event_reconciled", **EVENT),
        count("EventsReconciled"),
    ),
    (
        lambda it: it.reconcile_failed("staging", "DevLake is unavailable"),
        line("reconcile_failed", "WARNING", source="staging", reason="DevLake is unavailable"),
        {},
    ),
    (
        lambda it: it.fanned_out(NUMBERED, deliveries=3, repeated=False),
        line("event_fanned_out", **EVENT, sequence=2, deliveries=3, repeated=False),
        count("Events"),
    ),
    (
        lambda it: it.fanned_out(NUMBERED, deliveries=0, repeated=True),
        line("event_fanned_out", repeated=True),
        count("EventsRedelivered"),
    ),
    (
        lambda it: it.fanned_out(INFERRED, deliveries=1, repeated=False),
        line("event_fanned_out", inferred=True),
        count("Events") | count("EventsInferred"),
    ),
    (
        lambda it: it.fanned_out(OF_STAGING_NUMBERED, deliveries=3, repeated=False),
        line("event_fanned_out", pipeline_id="39", source="staging"),
        count("Events"),
    ),
    *(
        (
            lambda it, fate=fate: it.event_skipped(NUMBERED.event, fate),
            line("event_skipped", **EVENT, fate=str(fate)),
            count(metric),
        )
        for fate, metric in (
            (SkipReason.DUPLICATE, "EventsDeduplicated"),
            (SkipReason.STALE, "EventsStale"),
            (SkipReason.STALL_OVER, "StallsDiscarded"),
        )
    ),
    (
        lambda it: it.stalled(2),
        line("pipelines_stalled", pipelines=2),
        count("PipelinesStalled", 2),
    ),
    (
        lambda it: it.quarantined("m1", "39", "not JSON"),
        line("invalid_message", "WARNING", message_id="m1", group="39", reason="not JSON"),
        count("InvalidMessages"),
    ),
    (
        lambda it: it.attempted(WAITING.with_attempt(SUCCESS), next_at=None),
        line("delivery_attempted", **DELIVERY, attempt=1, outcome="delivered", status=200)
        | {"milliseconds": 12},
        count("DeliveriesDelivered") | took(12),
    ),
    (
        lambda it: it.attempted(WAITING.with_attempt(FAILURE), next_at=NOON + 5),
        line("delivery_attempted", outcome="rejected", status=500, next_at=NOON + 5),
        count("AttemptsFailed") | took(7),
    ),
    (
        lambda it: it.attempted(WAITING.with_attempt(SILENCE), next_at=None),
        line("delivery_attempted", outcome="timed_out", status=None, next_at=None),
        count("AttemptsFailed") | took(10_000),
    ),
    (
        lambda it: it.discarded(WAITING.discarded("subscription_removed")),
        line("delivery_discarded", **DELIVERY, reason="subscription_removed"),
        count("DeliveriesDiscarded"),
    ),
    (
        lambda it: it.dead_lettered(DEAD),
        line("delivery_dead", "WARNING", **DELIVERY, reason="rejected"),
        count("DeliveriesDead"),
    ),
    (
        lambda it: it.dead_lettered(DEAD_OF_STAGING),
        line("delivery_dead", "WARNING", delivery="sub_a#staging/39#2", source="staging"),
        count("DeliveriesDead"),
    ),
    (
        lambda it: it.lanes_resumed(4),
        line("lanes_resumed", lanes=4),
        count("LanesResumed", 4),
    ),
    (
        lambda it: it.internal_error(InfrastructureError("KMS\nis away"), doing="deliver"),
        line("internal_error", "ERROR", doing="deliver"),
        count("InternalErrors"),
    ),
]


@pytest.mark.parametrize(("say", "fields", "counted"), SAYINGS)
def test_each_thing_told_is_one_line_and_its_metrics_and_shows_no_body(
    hear: Hear, say: Say, fields: dict[str, object], counted: Counted
):
    with invoked() as telemetry:
        say(telemetry)

    told, *flushed = hear()
    assert {name: told.get(name) for name in fields} == fields
    assert None not in told.values()
    assert not [text for text in (BODY, ANSWER) if text in str((told, flushed))]
    assert told["request_id"] == "request-1"
    assert [embedded(one) for one in flushed] == ([counted] if counted else [])


def test_trouble_says_what_and_where(hear: Hear):
    def call_aws() -> None:
        raise InfrastructureError("KMS is away")

    try:
        call_aws()
    except InfrastructureError as error:
        with invoked() as telemetry:
            telemetry.internal_error(error, doing="deliver")

    told, _ = hear()
    assert told["exception_name"] == "InfrastructureError"
    assert "KMS is away" in told["exception"]
    assert "in call_aws" in told["exception"]


def test_a_fault_in_reconciling_is_told_with_its_place_and_is_not_counted_as_trouble(hear: Hear):
    with invoked() as telemetry:
        telemetry.reconcile_failed(None, "TypeError", fault=TypeError("in run.py"))

    (told,) = hear()
    assert told["level"] == "WARNING"
    assert told["reason"] == told["exception_name"] == "TypeError"


def test_the_lag_is_measured_in_seconds(hear: Hear):
    with invoked() as telemetry:
        telemetry.reconcile_lag(90.5)

    (flushed,) = hear()
    assert embedded(flushed) == {"ReconcileLag": ("Seconds", [90.5])}


def test_nothing_told_prints_nothing(hear: Hear):
    with invoked():
        pass

    assert hear() == []


def test_what_is_counted_while_metrics_are_flushed_is_told_with_the_next(
    hear: Hear, monkeypatch: pytest.MonkeyPatch
):
    telemetry = PowertoolsTelemetry.from_environment()
    late = Thread(target=telemetry.quarantined, args=("m1", "39", "late"))
    add_metric = telemetry.metrics.add_metric

    def add_while_another_speaks(**metric: Any) -> None:
        add_metric(**metric)
        late.start()
        late.join(0.01)

    with monkeypatch.context() as patch:
        patch.setattr(telemetry.metrics, "add_metric", add_while_another_speaks)
        with telemetry.invocation("request-1"):
            telemetry.lanes_resumed(1)
    late.join()
    with telemetry.invocation("request-2"):
        pass

    first, second = (embedded(said) for said in hear() if "_aws" in said)
    assert (list(first), list(second)) == (["LanesResumed"], ["InvalidMessages"])


def test_metrics_are_flushed_even_when_the_invocation_fails(hear: Hear):
    def fail() -> None:
        with invoked() as telemetry:
            telemetry.lanes_resumed(1)
            raise InfrastructureError("SQS is away")

    with pytest.raises(InfrastructureError):
        fail()

    assert "LanesResumed" in embedded(hear()[-1])


def test_each_invocation_counts_anew_under_its_own_id(hear: Hear):
    telemetry = PowertoolsTelemetry.from_environment()

    for request_id in ("request-1", "request-2"):
        with telemetry.invocation(request_id):
            telemetry.lanes_resumed(2)

    first, _, second, flushed = hear()
    assert (first["request_id"], second["request_id"]) == ("request-1", "request-2")
    assert embedded(flushed) == {"LanesResumed": ("Count", [2])}


def test_lanes_that_speak_at_once_are_all_heard_and_counted(hear: Hear):
    records = [replace(WAITING, sequence=number).with_attempt(SUCCESS) for number in range(1, 101)]

    with invoked() as telemetry, ThreadPoolExecutor(10) as lanes:
        list(lanes.map(lambda record: telemetry.attempted(record, next_at=None), records))

    said = hear()
    blobs = [embedded(one) for one in said if "_aws" in one]
    lines = {one["delivery"] for one in said if "_aws" not in one}
    assert len(lines) == 100
    counts = [blob["DeliveriesDelivered"][1] for blob in blobs if "DeliveriesDelivered" in blob]
    assert counts == [[100]]
    durations = [blob["AttemptDuration"][1] for blob in blobs if "AttemptDuration" in blob]
    assert sum(map(len, durations)) == 100
