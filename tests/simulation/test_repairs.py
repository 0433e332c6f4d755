"""A source that loses notices, and a fan-out that dies while it repairs them."""

import pytest

from lakehook.domain.pipeline import SkipReason
from tests.fakes import NOON
from tests.simulation.faults import Fault
from tests.simulation.play import Played, play
from tests.simulation.scenario import Publication, Scenario, Subscriber

ENDED, RUNNING, CREATED = 2, 4, 3  # what a publication of this number says
FIRST_CALLS = range(1, 25)


def a_lossy_scenario(**changes: object) -> Scenario:
    """Publish only the end of the first run, and the creation of the second too late."""
    states = (ENDED, RUNNING, CREATED)
    return Scenario(
        subscribers=(Subscriber(id="a"), Subscriber(id="b")),
        publications=tuple(Publication(NOON + n, "1", state) for n, state in enumerate(states)),
        calm_at=NOON + 7200,
    ).with_(**changes)


def assert_one_repaired_run(played: Played) -> None:
    assert not played.violations, played.report()
    for lane in ("a#1", "b#1"):
        assert played.arrived_types(lane) == [
            "PIPELINE_CREATED",
            "PIPELINE_COMPLETED",
            "PIPELINE_CREATED",
            "PIPELINE_RUNNING",
        ]
    assert [skipped.event.id for skipped in played.system.journal.skipped("1")] == ["1-3"]


def test_lost_events_are_inferred_in_order_and_late_ones_are_skipped():
    assert_one_repaired_run(play(a_lossy_scenario()))


def a_resumed_run(**changes: object) -> Scenario:
    """Restart DevLake during a run; the end of the first start comes late."""
    states = (("CREATED", None), ("RUNNING", 1), ("RUNNING", 12), ("FAILED", 1), ("COMPLETED", 12))
    publications = tuple(
        Publication(NOON + n, "1", n, state, began_at and NOON + began_at)
        for n, (state, began_at) in enumerate(states)
    )
    return a_lossy_scenario(publications=publications).with_(**changes)


def assert_one_resumed_run(played: Played) -> None:
    assert not played.violations, played.report()
    for lane in ("a#1", "b#1"):
        assert played.arrived_types(lane) == [
            "PIPELINE_CREATED",
            "PIPELINE_RUNNING",
            "PIPELINE_COMPLETED",
        ]
    skipped = played.system.journal.skipped("1")
    assert sorted((event.event.id, event.reason) for event in skipped) == [
        ("1-2", SkipReason.DUPLICATE),
        ("1-3", SkipReason.STALE),
    ]


def test_a_run_that_a_restart_interrupted_is_reported_as_one_run_with_one_end():
    assert_one_resumed_run(play(a_resumed_run()))


@pytest.mark.parametrize("fault", [Fault.KILL_BEFORE, Fault.KILL_AFTER, Fault.TROUBLE_AFTER])
def test_an_interrupted_run_stays_one_run_wherever_a_worker_dies(fault: Fault):
    for call in FIRST_CALLS:
        assert_one_resumed_run(play(a_resumed_run(strikes={call: fault})))


@pytest.mark.parametrize("fault", [Fault.KILL_BEFORE, Fault.KILL_AFTER, Fault.TROUBLE_AFTER])
def test_lost_events_are_repaired_wherever_a_worker_dies(fault: Fault):
    for call in FIRST_CALLS:
        assert_one_repaired_run(play(a_lossy_scenario(strikes={call: fault})))
