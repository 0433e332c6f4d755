import pytest

from lakehook.domain.event import EventType
from local.demo.report import faults, judge
from local.demo.scenario import Shaky, Subscriber
from local.receiver import Arrival, Receiver

CREATED, RUNNING = EventType.PIPELINE_CREATED, EventType.PIPELINE_RUNNING
COMPLETED, FAILED = EventType.PIPELINE_COMPLETED, EventType.PIPELINE_FAILED
EXPECTED = {
    "101": [(1, CREATED), (2, RUNNING), (3, COMPLETED)],
    "102": [(1, CREATED), (2, RUNNING), (3, FAILED)],
}


def an_arrival(pipeline: str, sequence: int, event_type: EventType, *, genuine=True) -> Arrival:  # noqa: ANN001
    return Arrival(
        at=0.0,
        headers={"webhook-id": f"sub_a#{pipeline}#{sequence}"},
        raw=b"",
        body={"pipeline_id": int(pipeline), "sequence": sequence, "event_type": str(event_type)},
        genuine=genuine,
    )


def arrivals_in_order() -> list[Arrival]:
    """Arrivals of both pipelines, step by step."""
    return [
        an_arrival(pipeline, *EXPECTED[pipeline][step])
        for step in range(3)
        for pipeline in EXPECTED
    ]


ALL_ARRIVALS = arrivals_in_order()


def test_complete_ordered_and_genuine_arrivals_pass():
    verdict = judge(ALL_ARRIVALS, EXPECTED)

    assert judge(sorted(ALL_ARRIVALS, key=lambda arrival: arrival.pipeline, reverse=True), EXPECTED)

    assert verdict
    assert (verdict.expected, verdict.arrived, verdict.repeated) == (6, 6, 0)


MISSING, FORGED = (
    ALL_ARRIVALS[:2] + ALL_ARRIVALS[3:],
    [*ALL_ARRIVALS[:-1], an_arrival("102", 3, FAILED, genuine=False)],
)
SWAPPED = [ALL_ARRIVALS[2], ALL_ARRIVALS[1], ALL_ARRIVALS[0], *ALL_ARRIVALS[3:]]


@pytest.mark.parametrize(
    ("arrivals", "flags"),
    [
        (MISSING, (False, True, True)),
        (SWAPPED, (True, False, True)),
        (FORGED, (True, True, False)),
    ],
    ids=["one missing", "two of a pipeline swapped", "one forged"],
)
def test_a_failure_names_the_broken_promise(arrivals: list[Arrival], flags: tuple[bool, ...]):
    verdict = judge(arrivals, EXPECTED)

    assert not verdict
    assert (verdict.complete, verdict.in_order, verdict.genuine) == flags
    assert len(verdict.missing) == 6 - len(arrivals)


@pytest.mark.parametrize(
    "arrivals",
    [
        [],
        [*arrivals_in_order(), an_arrival("103", 1, CREATED)],
        [*arrivals_in_order(), an_arrival("101", 4, FAILED)],
        [*arrivals_in_order(), an_arrival("101", 3, COMPLETED, genuine=False)],
        [*arrivals_in_order()[:-1], an_arrival("102", 3, COMPLETED)],
    ],
    ids=["nothing", "another pipeline", "after the end", "a forged repeat", "another type"],
)
def test_an_unexpected_arrival_fails(arrivals: list[Arrival]):
    assert not judge(arrivals, EXPECTED)


def test_a_repeat_with_the_same_id_is_counted_and_passes():
    arrivals = arrivals_in_order()

    verdict = judge([*arrivals, arrivals[0]], EXPECTED)

    assert verdict
    assert (verdict.arrived, verdict.repeated) == (6, 1)


# --- faults ---


def test_a_fault_says_which_delivery_is_missing_and_why():
    arrivals = arrivals_in_order()[2:]
    arrivals[0], arrivals[2] = arrivals[2], arrivals[0]

    lines = faults(
        Subscriber(Receiver("shaky")),
        judge(arrivals, EXPECTED),
        lambda name, pipeline, sequence: f"{name}#{pipeline}#{sequence} is dead",
    )

    assert list(lines) == [
        "shaky: events of a pipeline arrived out of order",
        "shaky: #1 of 101 is missing: shaky#101#1 is dead",
        "shaky: #1 of 102 is missing: shaky#102#1 is dead",
    ]


def test_the_shaky_subscriber_fails_no_delivery_twice():
    shaky, first, second = Shaky(2), *arrivals_in_order()[:2]

    answers = [shaky(arrival) for arrival in (first, first, first, second, second, first)]

    assert answers == [500, 200, 200, 500, 200, 200]
    assert shaky(arrivals_in_order()[2]) == 200
