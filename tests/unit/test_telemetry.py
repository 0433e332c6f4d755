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
DELIVERY = {
    "delivery": "sub_a#39#2",
    "subscription": "sub_a",
    "pipeline_id": "39",
    "event_id": "e2",
    "event_type": "PIPELINE_CREATED",
}

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


def embedded(said: dict[str, Any]) -> dict[str, tuple[str, list[float]]]:
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

SAYINGS: list[tuple[Say, dict[str, object], dict[str, tuple[str, list[float]]]]] = [
    (
        lambda telemetry: telemetry.reconciled(REPORT),
        {
            "message": "reconciled",
            "level": "INFO",
            "source": "staging",
            "pipelines": 7,
            "events": 2,
            "unreadable": ["1", "2", "3"],
            "has_backlog": True,
        },
        {"EventsReconciled": ("Count", [0])},
    ),
    (
        lambda telemetry: telemetry.event_reconciled(NUMBERED.event),
        {
            "message": "event_reconciled",
            "level": "INFO",
            "pipeline_id": "39",
            "event_id": "e2",
            "event_type": "PIPELINE_CREATED",
        },
        {"EventsReconciled": ("Count", [1])},
    ),
    (
        lambda telemetry: telemetry.reconcile_failed("staging", "DevLake is unavailable"),
        {
            "message": "reconcile_failed",
            "level": "WARNING",
            "source": "staging",
            "reason": "DevLake is unavailable",
        },
        {},
    ),
    (
        lambda telemetry: telemetry.fanned_out(NUMBERED, deliveries=3, repeated=False),
        {
            "message": "event_fanned_out",
            "level": "INFO",
            "pipeline_id": "39",
            "sequence": 2,
            "event_id": "e2",
            "event_type": "PIPELINE_CREATED",
            "deliveries": 3,
            "repeated": False,
        },
        {"Events": ("Count", [1])},
    ),
    (
        lambda telemetry: telemetry.fanned_out(NUMBERED, deliveries=0, repeated=True),
        {"message": "event_fanned_out", "repeated": True},
        {"EventsRedelivered": ("Count", [1])},
    ),
    (
        lambda telemetry: telemetry.fanned_out(INFERRED, deliveries=1, repeated=False),
        {"message": "event_fanned_out", "inferred": True},
        {"Events": ("Count", [1]), "EventsInferred": ("Count", [1])},
    ),
    *(
        (
            lambda telemetry, fate=fate: telemetry.event_skipped(NUMBERED.event, fate),
            {
                "message": "event_skipped",
                "level": "INFO",
                "pipeline_id": "39",
                "event_id": "e2",
                "event_type": "PIPELINE_CREATED",
                "fate": str(fate),
            },
            {metric: ("Count", [1])},
        )
        for fate, metric in (
            (SkipReason.DUPLICATE, "EventsDeduplicated"),
            (SkipReason.STALE, "EventsStale"),
            (SkipReason.STALL_OVER, "StallsDiscarded"),
        )
    ),
    (
        lambda telemetry: telemetry.stalled(2),
        {"message": "pipelines_stalled", "level": "INFO", "pipelines": 2},
        {"PipelinesStalled": ("Count", [2])},
    ),
    (
        lambda telemetry: telemetry.quarantined("m1", "39", "not JSON"),
        {
            "message": "invalid_message",
            "level": "WARNING",
            "message_id": "m1",
            "group": "39",
            "reason": "not JSON",
        },
        {"InvalidMessages": ("Count", [1])},
    ),
    (
        lambda telemetry: telemetry.attempted(WAITING.with_attempt(SUCCESS), next_at=None),
        {
            "message": "delivery_attempted",
            "level": "INFO",
            **DELIVERY,
            "attempt": 1,
            "outcome": "delivered",
            "status": 200,
            "milliseconds": 12,
        },
        {"DeliveriesDelivered": ("Count", [1]), "AttemptDuration": ("Milliseconds", [12])},
    ),
    (
        lambda telemetry: telemetry.attempted(WAITING.with_attempt(FAILURE), next_at=NOON + 5),
        {
            "message": "delivery_attempted",
            **DELIVERY,
            "outcome": "rejected",
            "status": 500,
            "next_at": NOON + 5,
        },
        {"AttemptsFailed": ("Count", [1]), "AttemptDuration": ("Milliseconds", [7])},
    ),
    (
        lambda telemetry: telemetry.attempted(WAITING.with_attempt(SILENCE), next_at=None),
        {
            "message": "delivery_attempted",
            **DELIVERY,
            "outcome": "timed_out",
            "status": None,
            "next_at": None,
        },
        {"AttemptsFailed": ("Count", [1]), "AttemptDuration": ("Milliseconds", [10_000])},
    ),
    (
        lambda telemetry: telemetry.discarded(WAITING.discarded("subscription_removed")),
        {"message": "delivery_discarded", **DELIVERY, "reason": "subscription_removed"},
        {"DeliveriesDiscarded": ("Count", [1])},
    ),
    (
        lambda telemetry: telemetry.dead_lettered(WAITING.with_attempt(FAILURE).dead("rejected")),
        {"message": "delivery_dead", "level": "WARNING", **DELIVERY, "reason": "rejected"},
        {"DeliveriesDead": ("Count", [1])},
    ),
    (
        lambda telemetry: telemetry.dead_lettered(
            OF_STAGING.with_attempt(FAILURE).dead("rejected")
        ),
        {
            "message": "delivery_dead",
            **DELIVERY,
            "delivery": "sub_a#staging/39#2",
            "source": "staging",
        },
        {"DeliveriesDead": ("Count", [1])},
    ),
    (
        lambda telemetry: telemetry.fanned_out(OF_STAGING_NUMBERED, deliveries=3, repeated=False),
        {"message": "event_fanned_out", "pipeline_id": "39", "source": "staging"},
        {"Events": ("Count", [1])},
    ),
    (
        lambda telemetry: telemetry.lanes_resumed(4),
        {"message": "lanes_resumed", "level": "INFO", "lanes": 4},
        {"LanesResumed": ("Count", [4])},
    ),
    (
        lambda telemetry: telemetry.internal_error(
            InfrastructureError("KMS\nis away"), doing="deliver"
        ),
        {"message": "internal_error", "level": "ERROR", "doing": "deliver"},
        {"InternalErrors": ("Count", [1])},
    ),
]


@pytest.mark.parametrize(("say", "fields", "counted"), SAYINGS)
def test_each_thing_told_is_one_line_and_its_metrics_and_shows_no_body(
    hear: Hear,
    say: Say,
    fields: dict[str, object],
    counted: dict[str, tuple[str, list[float]]],
):
    with invoked() as telemetry:
        say(telemetry)

    line, *flushed = hear()
    assert {name: line.get(name) for name in fields} == fields
    assert None not in line.values()
    assert not [text for text in (BODY, ANSWER) if text in str((line, flushed))]
    assert line["request_id"] == "request-1"
    assert [embedded(one) for one in flushed] == ([counted] if counted else [])


def test_trouble_says_what_and_where(hear: Hear):
    def call_aws() -> None:
        raise InfrastructureError("KMS is away")

    try:
        call_aws()
    except InfrastructureError as error:
        with invoked() as telemetry:
            telemetry.internal_error(error, doing="deliver")

    line, _ = hear()
    assert line["exception_name"] == "InfrastructureError"
    assert "KMS is away" in line["exception"]
    assert "in call_aws" in line["exception"]


def test_a_fault_in_reconciling_is_told_with_its_place_and_is_not_counted_as_trouble(hear: Hear):
    with invoked() as telemetry:
        telemetry.reconcile_failed(None, "TypeError", fault=TypeError("in run.py"))

    (line,) = hear()
    assert (line["level"], line["reason"], line["exception_name"]) == (
        "WARNING",
        "TypeError",
        "TypeError",
    )


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
