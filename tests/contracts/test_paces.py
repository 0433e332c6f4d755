"""What delivering relies on where places in a pace are given."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import boto3
import pytest

from lakehook.adapters.dynamo_paces import DynamoPaces
from lakehook.domain.rate import Place
from lakehook.ports.ledger import Paces
from tests.fakes import NOON, FakeClock, FakePaces

EVERY, LATEST = 3.25, NOON + 30


@pytest.fixture(params=["fake", "dynamodb"])
def paces(request: pytest.FixtureRequest, clock: FakeClock) -> Paces:
    if request.param == "fake":
        return FakePaces(clock)
    table = request.getfixturevalue("deployment").deliveries_table
    return DynamoPaces(boto3.client("dynamodb"), table, clock)


@pytest.fixture
def reserve(paces: Paces) -> Callable[[], Place]:
    return lambda: paces.reserve("sub_a", every=EVERY, latest=LATEST)


def test_the_first_goes_at_once_and_the_next_ones_after_it(reserve: Callable[[], Place]):
    assert reserve() == Place(NOON, NOON + 3.25)
    assert reserve() == Place(NOON + 3.25, NOON + 6.5)
    assert reserve() == Place(NOON + 6.5, NOON + 9.75)


def test_a_place_that_nobody_took_in_time_is_gone(reserve: Callable[[], Place], clock: FakeClock):
    reserve()
    clock.time += 10

    assert reserve() == Place(NOON + 10, NOON + 13.25)


def test_no_place_is_given_later_than_is_asked_and_the_next_is_told(reserve: Callable[[], Place]):
    places = [reserve() for _ in range(12)]

    assert places[9].at == NOON + 29.25
    assert places[10] == places[11] == Place(None, NOON + 32.5)


def test_a_refusal_takes_nothing(paces: Paces, reserve: Callable[[], Place]):
    for _ in range(12):
        reserve()

    later = paces.reserve("sub_a", every=EVERY, latest=LATEST + EVERY)

    assert later.at == NOON + 32.5


def test_paces_of_two_names_are_two(paces: Paces):
    paces.reserve("sub_a", every=EVERY, latest=LATEST)

    assert paces.reserve("sub_b", every=EVERY, latest=LATEST).at == NOON


def test_of_many_who_ask_at_once_each_gets_a_place_of_its_own(paces: Paces):
    if isinstance(paces, FakePaces):
        return  # one thread at a time is all it is asked by

    def ask(_: int) -> float | None:
        return paces.reserve("sub_a", every=1.0, latest=NOON + 100).at

    with ThreadPoolExecutor(8) as threads:
        places = list(threads.map(ask, range(40)))

    assert sorted(filter(None, places)) == [NOON + n for n in range(40)]
