"""A source that loses notices, and a fan-out that dies while it repairs them."""

import pytest

from lakehook.domain.delivery import Lane
from lakehook.domain.pipeline import SkipReason
from tests.fakes import NOON
from tests.simulation.faults import Fault
from tests.simulation.play import Played, play
from tests.simulation.scenario import Publication, Scenario, Subscriber

ENDED, RUNNING, CREATED = 2, 4, 3  # what a publication of this number says
FIRST_CALLS = range(1, 25)


def a_lossy_scenario(**changes: object) -> Scenario:
    """Of the first round only the end is said; of the second, creation is said too late."""
    said = (ENDED, RUNNING, CREATED)
    return Scenario(
        subscribers=(Subscriber(id="a"), Subscriber(id="b")),
        publications=tuple(Publication(NOON + n, "1", one) for n, one in enumerate(said)),
        calm_at=NOON + 7200,
    ).with_(**changes)


def told(played: Played, name: str) -> list[str]:
    """The types that arrived, repeats left out."""
    records, lane = played.system.ledger.records, Lane.parse(name)
    sequences = dict.fromkeys(post.sequence for post in played.system.history.lanes[name].posts)
    return [records[lane, sequence].event_type for sequence in sequences]


def judged(played: Played) -> None:
    assert not played.violations, played.story()
    for lane in ("a#1", "b#1"):
        assert told(played, lane) == [
            "PIPELINE_CREATED",
            "PIPELINE_COMPLETED",
            "PIPELINE_CREATED",
            "PIPELINE_RUNNING",
        ]
    assert [one.event.id for one in played.system.journal.skipped("1")] == ["1-3"]


def test_what_was_lost_is_told_in_order_and_what_is_late_is_set_aside():
    judged(play(a_lossy_scenario()))


def a_resumed_run(**changes: object) -> Scenario:
    """DevLake starts again while it runs; the end of its first beginning was on its way."""
    said = (("CREATED", None), ("RUNNING", 1), ("RUNNING", 12), ("FAILED", 1), ("COMPLETED", 12))
    publications = tuple(
        Publication(NOON + n, "1", n, state, began_at and NOON + began_at)
        for n, (state, began_at) in enumerate(said)
    )
    return a_lossy_scenario(publications=publications).with_(**changes)


def judged_as_one_run(played: Played) -> None:
    assert not played.violations, played.story()
    for lane in ("a#1", "b#1"):
        assert told(played, lane) == ["PIPELINE_CREATED", "PIPELINE_RUNNING", "PIPELINE_COMPLETED"]
    unsent = [(one.event.id, one.reason) for one in played.system.journal.skipped("1")]
    assert sorted(unsent) == [("1-2", SkipReason.DUPLICATE), ("1-3", SkipReason.STALE)]


def test_a_run_that_a_restart_interrupted_is_told_as_one_run_with_one_end():
    judged_as_one_run(play(a_resumed_run()))


@pytest.mark.parametrize("fault", [Fault.KILL_BEFORE, Fault.KILL_AFTER, Fault.TROUBLE_AFTER])
def test_it_is_one_run_wherever_a_worker_dies(fault: Fault):
    for call in FIRST_CALLS:
        judged_as_one_run(play(a_resumed_run(strikes={call: fault})))


@pytest.mark.parametrize("fault", [Fault.KILL_BEFORE, Fault.KILL_AFTER, Fault.TROUBLE_AFTER])
def test_it_is_told_so_wherever_a_worker_dies(fault: Fault):
    for call in FIRST_CALLS:
        judged(play(a_lossy_scenario(strikes={call: fault})))
