"""All histories of the smallest worlds, and what a search of them can be trusted with."""

from collections.abc import Callable, Iterator

import pytest

from lakehook.delivery.attempt_handler import AttemptHandler
from lakehook.delivery.dependencies import Stop
from lakehook.domain.lane import DeliveryRecord
from lakehook.domain.queue_message import Ack
from tests.fakes import NOON
from tests.simulation import search
from tests.simulation.contents import Contents
from tests.simulation.explore import ExplorationTimeline, Rules
from tests.simulation.play_world import Constant, play
from tests.simulation.prove import explore
from tests.simulation.search import Node, Path, Search
from tests.simulation.steps import Planned, Step
from tests.simulation.timeline import Actor
from tests.simulation.worlds import DEAD_AT_LAST, FAILURES, KILLS, RETRIED, SMALL, ZOMBIES, World


@pytest.mark.parametrize("world", SMALL, ids=lambda world: world.name)
def test_no_history_of_a_small_world_breaks_a_promise(world: World):
    proof = explore(world)

    assert proof.is_exhausted, proof.broken and proof.report()
    assert proof.search.histories > 1


def ends(world: World) -> Iterator[int]:
    """What each history that is played to its end has come to, with all that is judged."""
    whole = Search()
    while path := whole.next_path():
        history = play(world, path)
        assert not history.violations
        if not history.was_pruned:
            yield Contents(history.system).all()


COMPARED = (
    World(name="pause", events=1, acts=("pause",)),
    World(name="killed", events=1, script=RETRIED, faults=KILLS),
    World(name="failed call", events=1, faults=FAILURES),
    World(name="two events", script=RETRIED),
)


@pytest.mark.parametrize("world", COMPARED, ids=lambda world: world.name)
def test_what_is_played_in_one_order_has_no_other_end(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    reduced = set(ends(world))

    monkeypatch.setattr(Node, "begin", want_all)
    monkeypatch.setattr(search, "are_dependent", lambda *_: True)  # so nobody sleeps
    monkeypatch.setattr(ExplorationTimeline, "_goes_on", is_woken)

    assert set(ends(world)) == reduced
    assert len(reduced) > 1


def want_all(self: Node, first: int, begin: Callable[..., None] = Node.begin) -> None:
    begin(self, first)
    self.wanted.update(self.processes)


def is_woken(self: ExplorationTimeline, planned: Planned) -> bool:
    return (
        planned.actor is not None and planned.step is None and self._is_interleaved(planned.actor)
    )


@pytest.mark.parametrize("world", COMPARED, ids=lambda world: world.name)
def test_a_state_that_was_seen_before_has_no_end_of_its_own(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    merged = set(ends(world))

    monkeypatch.setattr(Path, "_must_be_new", lambda *_: None)
    monkeypatch.setattr(Path, "_know", lambda *_: None)

    assert set(ends(world)) == merged


def record_before_the_letter(
    self: AttemptHandler, record: DeliveryRecord, _following: DeliveryRecord | None
) -> Stop:
    self.lane.write(record, self.lane.held_at(record).with_dead_head())
    self.dependencies.dead_letters.send(record, endpoint="a.example")
    return Ack()


def test_a_kill_between_two_writes_in_the_wrong_order_is_found_and_replayed(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(AttemptHandler, "_dead_letter", record_before_the_letter)
    world = World(name="killed", events=1, script=DEAD_AT_LAST, faults=KILLS)

    proof = explore(world)

    assert proof.broken
    again = play(world, Path(Search(), prefix=bytes(proof.broken.path.taken)), aloud=True)
    assert again.violations == proof.broken.violations
    assert [str(violation) for violation in again.violations] == [
        "a#1: #1 is said to be dead, and is not"
    ]
    assert "(killed after a call)" in again.report()
    assert not proof.is_exhausted
    assert "--world 'killed' --replay 0," in proof.report()


@pytest.mark.parametrize("is_open", [False, True])
def test_no_process_is_frozen_while_a_thread_of_it_is_at_a_request(*, is_open: bool):
    timeline = ExplorationTimeline(NOON, Constant())
    timeline.rules = Rules(Path(Search()), faults=ZOMBIES)
    saver, sibling = Actor(timeline), Actor(timeline)
    saver.context = sibling.context = "a process"
    saving, posting = (
        Planned(NOON, 0, step=Step.of(call), may_fail=True, actor=actor)
        for call, actor in (("ledger.save", saver), ("receiver.post", sibling))
    )
    posting.may_fail = not is_open
    timeline._planned = [saving, posting]

    assert timeline._faults(saving) == []
    sibling.context = "another"
    assert timeline._faults(saving) == list(ZOMBIES)
