"""The model and the shipped code write the same, so neither moves on without the other."""

from dataclasses import replace

import pytest

from lakehook.domain.lane import HeldLane
from tests.model.spin import NO_SPIN, is_installed, search
from tests.model.writes import Write, modelled, read_table, recorded_writes
from tests.simulation.play import play
from tests.simulation.scenario import draw

SEEDS = range(1, 21)
SMALL = ("EVENTS=1", "ZOMBIES=0", "COPIES=0")
needs_spin = pytest.mark.skipif(not is_installed(), reason=NO_SPIN)


def written_by(seed: int) -> set[Write]:
    """Draw histories without replays, which the model lacks."""
    scenario = draw(seed)
    acts = tuple(act for act in scenario.acts if act.action != "replay")
    with recorded_writes() as writes:
        assert not play(replace(scenario, acts=acts)).violations
    return set(writes)


def test_the_code_makes_the_writes_of_the_table_and_all_that_are_not_rare():
    written = set().union(*map(written_by, SEEDS))

    table = read_table()
    assert written <= table.keys()
    assert {row for row, meaning in table.items() if not meaning.endswith("~")} <= written


def test_a_write_that_the_model_does_not_know_is_noticed(monkeypatch: pytest.MonkeyPatch):
    """A lane that does not stand still at its dead letter."""
    monkeypatch.setattr(
        HeldLane, "with_dead_head", lambda held: replace(held, version=held.version + 1, due_at=1.0)
    )
    with recorded_writes() as writes:
        play(draw(7))

    assert Write("waiting", "dead", "due", "due", "itself") in set(writes) - read_table().keys()


@needs_spin
def test_every_state_of_a_small_world_keeps_the_promises():
    searched = search(modelled(), SMALL)

    assert searched.is_clean, searched.trail[-3000:]
    assert searched.states > 1000


@needs_spin
def test_a_model_that_makes_a_write_outside_the_table_is_noticed():
    redriven = Write("dead", "waiting", "dead", "due", "itself")

    assert not search([row for row in modelled() if row != redriven], SMALL).is_clean
