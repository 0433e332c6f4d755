"""Two DevLakes on one Lakehook, both of which count their pipelines from 1."""

import pytest

from lakehook.domain.delivery import Lane
from lakehook.domain.lane import DeliveryStatus
from tests.fakes import NOON
from tests.simulation.faults import Fault
from tests.simulation.play import Played, play
from tests.simulation.receivers import Temper
from tests.simulation.scenario import Publication, Scenario, Subscriber

STATES = {"staging/1": ("CREATED", "RUNNING", "FAILED"), "1": ("CREATED", "RUNNING", "COMPLETED")}
BEGAN = {"1": NOON + 2, "staging/1": NOON + 1}  # so each end would be stale, or a rerun's, there
FIRST_CALLS = range(1, 33)


def two_at_once(**changes: object) -> Scenario:
    """Pipeline 1 of each, at the same time, step by step; their events have the same ids."""
    publications = tuple(
        Publication(
            NOON + number + delay,
            pipeline,
            number,
            state,
            None if state == "CREATED" else BEGAN[pipeline],
        )
        for delay, (pipeline, states) in enumerate(STATES.items())
        for number, state in enumerate(states)
    )
    return Scenario(
        subscribers=(Subscriber(id="a"), Subscriber(id="b")),
        publications=publications,
        calm_at=NOON + 7200,
    ).with_(**changes)


def assert_sources_are_independent(played: Played) -> None:
    assert not played.violations, played.report()
    for lane in ("a#1", "b#1", "a#staging/1", "b#staging/1"):
        states = STATES[lane[2:]]
        assert played.arrived_types(lane) == [f"PIPELINE_{state}" for state in states]
    assert played.system.journal.skips == {}


def test_each_source_is_delivered_as_if_it_were_alone():
    assert_sources_are_independent(play(two_at_once()))


@pytest.mark.parametrize("fault", [Fault.KILL_BEFORE, Fault.KILL_AFTER, Fault.TROUBLE_AFTER])
def test_each_source_stays_independent_wherever_a_worker_dies(fault: Fault):
    for call in FIRST_CALLS:
        assert_sources_are_independent(play(two_at_once(strikes={call: fault})))


def test_a_dead_letter_of_one_holds_nothing_of_the_other():
    refuses_pipeline_1 = Subscriber(id="a", temper=Temper.POISONED, recovers=False, schedule="1")

    played = play(two_at_once(subscribers=(refuses_pipeline_1,)))

    assert not played.violations, played.report()
    records = played.system.ledger.records
    statuses = {lane: [records[lane, n].status for n in (1, 2, 3)] for lane, _ in records}
    assert statuses == {
        Lane("a", "1"): [DeliveryStatus.DEAD, DeliveryStatus.WAITING, DeliveryStatus.WAITING],
        Lane("a", "staging/1"): [DeliveryStatus.DELIVERED] * 3,
    }
