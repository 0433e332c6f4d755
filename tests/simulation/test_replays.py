"""Replays in the midst of everything: what is new, what is retried, and clocks that die."""

import pytest

from lakehook.domain.replay import DeliveryFilter
from lakehook.domain.subscription import Ordering
from tests.fakes import NOON
from tests.simulation.faults import AT_A_CALL, Fault
from tests.simulation.operators import Operator
from tests.simulation.play import Played, play
from tests.simulation.receivers import Temper
from tests.simulation.scenario import Publication, Scenario, Subscriber
from tests.simulation.system import System

PIPELINES = ("1", "2")
CALLS = {
    "replays.list_open": 2,
    "replays.save": 4,
    "journal.scan": 3,
    "journal.query": 2,
    "ledger.requeue": 2,
}
"""What the clock asks of each port for it, at least so often."""
BEGINS = 50.0  # and the clock comes ten seconds later
TIMES = (0.0, 5.0, 20.0, 60.0, 60.02, 90.0)
"""Some are done with when the replay begins, some come while the clock is at work."""


def a_scenario(**changes: object) -> Scenario:
    publications = tuple(
        Publication(NOON + at, pipeline, number)
        for pipeline in PIPELINES
        for number, at in enumerate(TIMES)
    )
    return Scenario(publications=publications, calm_at=NOON + 7200).with_(**changes)


def replaying(system: System, operator: Operator) -> None:
    system.timeline.at(NOON + BEGINS, lambda: operator.replay_status("a", DeliveryFilter.ANY))


def replayed(played: Played) -> dict[str, list[int]]:
    lanes = played.system.history.lanes
    return {
        pipeline: [post.sequence for post in lanes[f"a#{pipeline}"].posts if post.replayed]
        for pipeline in PIPELINES
    }


def test_a_replay_sends_earlier_events_once_more_and_new_ones_once():
    played = play(a_scenario(), replaying)

    assert not played.violations
    assert replayed(played) == {pipeline: [1, 2, 3] for pipeline in PIPELINES}
    posts = played.system.history.lanes["a#1"].posts
    assert len(posts) == len(TIMES) + 3
    assert {post.id for post in posts} == {f"a#1#{n}" for n in range(1, len(TIMES) + 1)}


@pytest.mark.parametrize("temper", Temper)
@pytest.mark.parametrize("ordering", Ordering)
def test_a_replay_to_any_receiver_breaks_no_promise(temper: Temper, ordering: Ordering):
    for seed in range(1, 5):
        subscriber = Subscriber(id="a", temper=temper, ordering=ordering)

        played = play(a_scenario(seed=seed, subscribers=(subscriber,), rate=0.03), replaying)

        assert not played.violations, f"seed {seed}\n{played.report()}"


@pytest.mark.parametrize("fault", AT_A_CALL)
@pytest.mark.parametrize("call", CALLS)
def test_no_fault_at_any_call_of_a_replay_breaks_a_promise(call: str, fault: Fault):
    for earlier in range(CALLS[call]):
        strike: list[Fault | None] = [*[None] * earlier, fault]

        played = play(a_scenario(planned={call: strike}), replaying)

        assert not played.violations, f"{earlier}\n{played.report()}"
        assert played.system.faults.injected[fault] == 1
        assert {n for sequences in replayed(played).values() for n in sequences} == {1, 2, 3}


def test_ticks_side_by_side_send_nothing_twice():
    for seed in range(1, 20):
        played = play(
            a_scenario(seed=seed, rate=0.15, kinds=(Fault.DELAY_BEFORE, Fault.DELAY_AFTER)),
            replaying,
        )

        assert not played.violations, f"seed {seed}\n{played.report()}"
