"""All histories of the smallest worlds, and what a search of them can be trusted with."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pytest

from lakehook.delivery.attempt_handler import AttemptHandler
from lakehook.delivery.dependencies import Stop
from lakehook.domain.lane import DeliveryRecord
from lakehook.domain.queue_message import Ack
from tests.fakes import NOON
from tests.simulation.commuting import Rules
from tests.simulation.explore import ExplorationTimeline
from tests.simulation.play_world import Constant, play
from tests.simulation.prove import explore
from tests.simulation.search import Option, Path, Planned, Search, Step
from tests.simulation.timeline import Actor
from tests.simulation.worlds import DEAD_AT_LAST, KILLS, LATE, RETRIED, SMALL, ZOMBIES, World

BY_NAME = {world.name: world for world in SMALL}


@pytest.mark.parametrize("world", SMALL, ids=lambda world: world.name)
def test_no_history_of_a_small_world_breaks_a_promise(world: World):
    proof = explore(world)

    assert proof.is_exhausted, proof.broken and proof.report()
    assert proof.search.histories > 2


@dataclass
class WithoutMerging(Path):
    """A path that ends at no state, however often it was seen."""

    def _must_be_new(self, state: int) -> None:
        self.search.choices += 1


def ends(world: World, path_of: type[Path]) -> Iterator[object]:
    """What each history that is played to its end has come to: requests and records in order."""
    search = Search()
    while search.left:
        search.histories += 1
        history = play(world, path_of(search, search.left.pop(), world.bound))
        assert not history.violations
        if not history.was_pruned:
            yield str(
                [
                    [(post.sequence, post.answer_text) for post in lane.posts]
                    + [(entry.record.status, entry.record.attempts) for entry in lane.entries]
                    for _, lane in sorted(history.system.history.lanes.items())
                ]
            )


@pytest.mark.parametrize("name", ["one event, killed", "one event, failed call"])
def test_a_state_that_was_seen_before_has_no_end_of_its_own(name: str):
    world = replace(BY_NAME[name], bound=0)

    assert set(ends(world, Path)) == set(ends(world, WithoutMerging))


def all_beginnings(self: ExplorationTimeline) -> list[Option]:
    """At each choice, however often they were options at this instant."""
    return [*map(Option, self._frozen), *(Option(act=act) for act in self.rules.acts_left())]


NO_CHOICE: dict[str, Callable[..., object]] = {
    "_is_alone": lambda *_: False,
    "_is_poll_in_vain": lambda *_: False,
    "_is_local_ack": lambda *_: False,
    "_is_last_to_answer": lambda *_: False,
    "_has_just_called": lambda *_: False,
    "_without_vain_polls": lambda _, ready: ready,
    "_beginnings": all_beginnings,
}


@pytest.mark.parametrize(
    "world",
    [
        World(name="discard", events=1, script=DEAD_AT_LAST, acts=("discard",), bound=0),
        World(name="replay", events=1, acts=("replay",), bound=0),
        World(name="killed", events=1, script=RETRIED, faults=KILLS, bound=0),
        World(name="two events", script=RETRIED, bound=0),
        World(name="late call", events=1, faults=LATE, bound=0),
    ],
    ids=lambda world: world.name,
)
def test_what_is_no_choice_leads_to_no_other_end(world: World, monkeypatch: pytest.MonkeyPatch):
    reduced = set(ends(world, Path))

    for name, choice in NO_CHOICE.items():
        monkeypatch.setattr(ExplorationTimeline, name, choice)
    monkeypatch.setattr(World, "fans_out_at_once", False)

    assert set(ends(world, Path)) <= reduced
    assert len(reduced) > 1


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
    world = World(name="killed", events=1, script=DEAD_AT_LAST, faults=KILLS, bound=0)

    proof = explore(world)

    assert proof.broken
    again = play(world, Path(Search(), prefix=bytes(proof.broken.path.taken)), aloud=True)
    assert again.violations == proof.broken.violations
    assert [str(one) for one in again.violations] == ["a#1: #1 is said to be dead, and is not"]
    assert "(killed after a call)" in again.report()
    assert not proof.is_exhausted
    assert "--world 'killed' --replay 0," in proof.report()


def test_no_process_is_frozen_while_a_thread_of_it_is_about_to_send_a_request():
    timeline = ExplorationTimeline(NOON, Constant())
    timeline.rules = Rules(Path(Search()), faults=ZOMBIES)
    me, sibling = Actor(timeline), Actor(timeline)
    me.context = sibling.context = "a process"
    saving, posting = (
        Planned(NOON, 0, step=Step.of(call), may_fail=True, actor=actor)
        for call, actor in (("ledger.save", me), ("receiver.post", sibling))
    )
    timeline._planned = [saving, posting]

    assert timeline._faults(saving) == []
    sibling.context = "another"
    assert timeline._faults(saving) == list(ZOMBIES)
