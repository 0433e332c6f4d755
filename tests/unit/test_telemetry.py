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
Report = Callable[[PowertoolsTelemetry], object]
ReadOutput = Callable[[], list[dict[str, Any]]]


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
def read_output(capsys: pytest.CaptureFixture[str]) -> ReadOutput:
    """Read what has been printed since the last time, line by line."""
    return lambda: [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def embedded(blob: dict[str, Any]) -> "Counted":
    """Unit and values of each metric in CloudWatch's embedded metric format."""
    (directive,) = blob["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "Lakehook"
    assert directive["Dimensions"] == [["service"]]
    return {
        metric["Name"]: (metric["Unit"], blob[metric["Name"]]) for metric in directive["Metrics"]
    }


REPORT = ReconcileReport(
    source="staging", read=7, published=2, unreadable=["1", "2", "3", "4"], has_backlog=True
)

Counted = dict[str, tuple[str, list[float]]]


def line(message: str, level: str = "INFO", **fields: object) -> dict[str, object]:
    return {"message": message, "level": level, **fields}


def count(name: str, value: float = 1) -> Counted:
    return {name: ("Count", [value])}


def attempt_duration(milliseconds: float) -> Counted:
    return {"AttemptDuration": ("Milliseconds", [milliseconds])}


EVENT = {"pipeline_id": "39", "event_id": "e2", "event_type": "PIPELINE_CREATED"}
DELIVERY = {"delivery": "sub_a#39#2", "subscription": "sub_a", **EVENT}
DEAD, DEAD_OF_STAGING = (
    record.with_attempt(FAILURE).dead("rejected") for record in (WAITING, OF_STAGING)
)
REPORTS: list[tuple[Report, dict[str, object], Counted]] = [
    (
        lambda telemetry: telemetry.reconciled(REPORT),
        line("reconciled", source="staging", pipelines=7, events=2, has_backlog=True)
        | {"unreadable": ["1", "2", "3"]},
        count("EventsReconciled", 0),
    ),
    (
        lambda telemetry: telemetry.event_reconciled(NUMBERED.event),
        line("event_reconciled", **EVENT),
        count("EventsReconciled"),
    ),
    (
        lambda telemetry: telemetry.reconcile_failed("staging", "DevLake is unavailable"),
        line("reconcile_failed", "WARNING", source="staging", reason="DevLake is unavailable"),
        {},
    ),
    (
        lambda telemetry: telemetry.fanned_out(NUMBERED, deliveries=3, repeated=False),
        line("event_fanned_out", **EVENT, sequence=2, deliveries=3, repeated=False),
        count("Events"),
    ),
    (
        lambda telemetry: telemetry.fanned_out(NUMBERED, deliveries=0, repeated=True),
        line("event_fanned_out", repeated=True),
        count("EventsRedelivered"),
    ),
    (
        lambda telemetry: telemetry.fanned_out(INFERRED, deliveries=1, repeated=False),
        line("event_fanned_out", inferred=True),
        count("Events") | count("EventsInferred"),
    ),
    (
        lambda telemetry: telemetry.fanned_out(OF_STAGING_NUMBERED, deliveries=3, repeated=False),
        line("event_fanned_out", pipeline_id="39", source="staging"),
        count("Events"),
    ),
    *(
        (
            lambda telemetry, fate=fate: telemetry.event_skipped(NUMBERED.event, fate),
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
        lambda telemetry: telemetry.stalled(2),
        line("pipelines_stalled", pipelines=2),
        count("PipelinesStalled", 2),
    ),
    (
        lambda telemetry: telemetry.quarantined("m1", "39", "not JSON"),
        line("invalid_message", "WARNING", message_id="m1", group="39", reason="not JSON"),
        count("InvalidMessages"),
    ),
    (
        lambda telemetry: telemetry.attempted(WAITING.with_attempt(SUCCESS), next_at=None),
        line("delivery_attempted", **DELIVERY, attempt=1, outcome="delivered", status=200)
        | {"milliseconds": 12},
        count("DeliveriesDelivered") | attempt_duration(12),
    ),
    (
        lambda telemetry: telemetry.attempted(WAITING.with_attempt(FAILURE), next_at=NOON + 5),
        line("delivery_attempted", outcome="rejected", status=500, next_at=NOON + 5),
        count("AttemptsFailed") | attempt_duration(7),
    ),
    (
        lambda telemetry: telemetry.attempted(WAITING.with_attempt(SILENCE), next_at=None),
        line("delivery_attempted", outcome="timed_out", status=None, next_at=None),
        count("AttemptsFailed") | attempt_duration(10_000),
    ),
    (
        lambda telemetry: telemetry.discarded(WAITING.discarded("subscription_removed")),
        line("delivery_discarded", **DELIVERY, reason="subscription_removed"),
        count("DeliveriesDiscarded"),
    ),
    (
        lambda telemetry: telemetry.dead_lettered(DEAD),
        line("delivery_dead", "WARNING", **DELIVERY, reason="rejected"),
        count("DeliveriesDead"),
    ),
    (
        lambda telemetry: telemetry.dead_lettered(DEAD_OF_STAGING),
        line("delivery_dead", "WARNING", delivery="sub_a#staging/39#2", source="staging"),
        count("DeliveriesDead"),
    ),
    (
        lambda telemetry: telemetry.lanes_resumed(4),
        line("lanes_resumed", lanes=4),
        count("LanesResumed", 4),
    ),
    (
        lambda telemetry: telemetry.internal_error(
            InfrastructureError("KMS\nis away"), doing="deliver"
        ),
        line("internal_error", "ERROR", doing="deliver"),
        count("InternalErrors"),
    ),
]


@pytest.mark.parametrize(("report", "fields", "counted"), REPORTS)
def test_each_report_is_a_line_and_its_metrics_and_shows_no_body(
    read_output: ReadOutput, report: Report, fields: dict[str, object], counted: Counted
):
    with invoked() as telemetry:
        report(telemetry)

    logged, *flushed = read_output()
    assert {name: logged.get(name) for name in fields} == fields
    assert None not in logged.values()
    assert not [text for text in (BODY, ANSWER) if text in str((logged, flushed))]
    assert logged["request_id"] == "request-1"
    assert [embedded(blob) for blob in flushed] == ([counted] if counted else [])


def test_an_internal_error_has_its_exception_and_place(read_output: ReadOutput):
    def call_aws() -> None:
        raise InfrastructureError("KMS is away")

    try:
        call_aws()
    except InfrastructureError as error:
        with invoked() as telemetry:
            telemetry.internal_error(error, doing="deliver")

    logged, _ = read_output()
    assert logged["exception_name"] == "InfrastructureError"
    assert "KMS is away" in logged["exception"]
    assert "in call_aws" in logged["exception"]


def test_a_fault_in_reconciling_is_logged_with_its_place_and_not_counted_as_internal_error(
    read_output: ReadOutput,
):
    with invoked() as telemetry:
        telemetry.reconcile_failed(None, "TypeError", fault=TypeError("in run.py"))

    (logged,) = read_output()
    assert logged["level"] == "WARNING"
    assert logged["reason"] == logged["exception_name"] == "TypeError"


def test_the_lag_is_measured_in_seconds(read_output: ReadOutput):
    with invoked() as telemetry:
        telemetry.reconcile_lag(90.5)

    (flushed,) = read_output()
    assert embedded(flushed) == {"ReconcileLag": ("Seconds", [90.5])}


def test_without_reports_nothing_is_printed(read_output: ReadOutput):
    with invoked():
        pass

    assert read_output() == []


def test_a_count_during_a_flush_is_flushed_with_the_next(
    read_output: ReadOutput, monkeypatch: pytest.MonkeyPatch
):
    telemetry = PowertoolsTelemetry.from_environment()
    late = Thread(target=telemetry.quarantined, args=("m1", "39", "late"))
    add_metric = telemetry.metrics.add_metric

    def add_during_another_report(**metric: Any) -> None:
        add_metric(**metric)
        late.start()
        late.join(0.01)

    with monkeypatch.context() as patch:
        patch.setattr(telemetry.metrics, "add_metric", add_during_another_report)
        with telemetry.invocation("request-1"):
            telemetry.lanes_resumed(1)
    late.join()
    with telemetry.invocation("request-2"):
        pass

    first, second = (embedded(blob) for blob in read_output() if "_aws" in blob)
    assert (list(first), list(second)) == (["LanesResumed"], ["InvalidMessages"])


def test_metrics_are_flushed_even_when_the_invocation_fails(read_output: ReadOutput):
    def fail() -> None:
        with invoked() as telemetry:
            telemetry.lanes_resumed(1)
            raise InfrastructureError("SQS is away")

    with pytest.raises(InfrastructureError):
        fail()

    assert "LanesResumed" in embedded(read_output()[-1])


def test_each_invocation_counts_from_zero_under_its_own_id(read_output: ReadOutput):
    telemetry = PowertoolsTelemetry.from_environment()

    for request_id in ("request-1", "request-2"):
        with telemetry.invocation(request_id):
            telemetry.lanes_resumed(2)

    first, _, second, flushed = read_output()
    assert (first["request_id"], second["request_id"]) == ("request-1", "request-2")
    assert embedded(flushed) == {"LanesResumed": ("Count", [2])}


def test_concurrent_reports_are_all_printed_and_counted(read_output: ReadOutput):
    records = [replace(WAITING, sequence=number).with_attempt(SUCCESS) for number in range(1, 101)]

    with invoked() as telemetry, ThreadPoolExecutor(10) as lanes:
        list(lanes.map(lambda record: telemetry.attempted(record, next_at=None), records))

    output = read_output()
    blobs = [embedded(logged) for logged in output if "_aws" in logged]
    lines = {logged["delivery"] for logged in output if "_aws" not in logged}
    assert len(lines) == 100
    counts = [blob["DeliveriesDelivered"][1] for blob in blobs if "DeliveriesDelivered" in blob]
    assert counts == [[100]]
    durations = [blob["AttemptDuration"][1] for blob in blobs if "AttemptDuration" in blob]
    assert sum(map(len, durations)) == 100
