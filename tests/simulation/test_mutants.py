"""Each guard that ``make soak-mutants`` takes out is where it is looked for."""

import pytest

from tests.simulation.mutants import MUTANTS, ROOT, Mutant


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.guard)
def test_a_guard_stands_once_where_it_is_taken_out(mutant: Mutant) -> None:
    assert (ROOT / mutant.file).read_text().count(mutant.before) == 1
