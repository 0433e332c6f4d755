"""All histories of the smallest worlds, and what a search of them can be trusted with."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from lakehook.delivery.attempt_handler import AttemptHandler
from lakehook.delivery.dependencies import Stop
from lakehook.domain.lane import DeliveryRecord
from lakehook.domain.queue_message import Ack
from tests.simulation.explore import ExplorationTimeline
from tests.simulation.play_world import play
from tests.simulation.prove import explore
from tests.simulation.search import Option, Path, Search
from tests.simulation.worlds import DEAD_AT_LAST, KILLS, SMALL, World

BY_NAME = {world.name: world for world in SMALL}


@pytest.mark.parametrize("world", SMALL, ids=lambda world: world.name)
def test_no_history_of_a_small_world_breaks_a_promise(world: World):
    proof = explore(world)

    assert proof.is_exhausted, proof.broken and proof.story()
    assert proof.search.histories > 10


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
                    [(post.sequence, post.said) for post in lane.posts]
                    + [(entry.record.status, entry.record.attempts) for entry in lane.entries]
                    for _, lane in sorted(history.system.history.lanes.items())
                ]
            )


@pytest.mark.parametrize("name", ["one event, killed", "one event, failed call"])
def test_a_state_that_was_seen_before_has_no_end_of_its_own(name: str):
    world = replace(BY_NAME[name], bound=0)

    assert set(ends(world, Path)) == set(ends(world, WithoutMerging))


def test_what_is_no_choice_leads_to_no_other_end(monkeypatch: pytest.MonkeyPatch):
    world = World(name="discard", events=1, script=DEAD_AT_LAST, acts=("discard",), bound=0)
    reduced = set(ends(world, Path))

    monkeypatch.setattr(ExplorationTimeline, "_is_alone", lambda *_: False)
    monkeypatch.setattr(ExplorationTimeline, "_beginnings", all_beginnings)

    assert set(ends(world, Path)) <= reduced
    assert len(reduced) > 1


def all_beginnings(self: ExplorationTimeline) -> list[Option]:
    """At each choice, however often they were options at this instant."""
    return [*map(Option, self._frozen), *(Option(act=act) for act in self.rules.acts_left())]


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
    again = play(world, Path(Search(), bytes(proof.broken.path.taken)), aloud=True)
    assert again.violations == proof.broken.violations
    assert [str(one) for one in again.violations] == ["a#1: #1 is said to be dead, and is not"]
    assert "deliveries: sqs.dead (killed before a call)" in again.story()
    assert not proof.is_exhausted
    assert "--world 'killed' --replay 0," in proof.story()
