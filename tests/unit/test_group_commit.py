"""Concurrent writes of several threads share a request, each with its own outcome."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from threading import Barrier, Event
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lakehook.adapters.dynamodb.partiql import MAX_STATEMENTS, GroupCommit, Statement
from lakehook.domain.errors import InfrastructureError

PATIENCE_SECONDS = 60
DUPLICATE_ITEM = ClientError({"Error": {"Code": "DuplicateItem", "Message": "taken"}}, "insert")


def a_write(number: int) -> Statement:
    return {"Statement": "INSERT", "Parameters": [{"N": str(number)}]}


@dataclass
class Table:
    """A table that answers the first request when ``goes_on`` is set, and others at once."""

    requests: list[list[Statement]] = field(default_factory=list)
    is_called: Event = field(default_factory=Event)
    goes_on: Event = field(default_factory=Event)
    refused: Sequence[Statement] = ()
    failures: dict[int, Exception] = field(default_factory=dict)  # by the request's number

    def execute(self, statements: Sequence[Statement]) -> list[ClientError | None]:
        number = len(self.requests)
        self.requests.append(list(statements))
        if number == 0:
            self.is_called.set()
            assert self.goes_on.wait(PATIENCE_SECONDS)
        if failure := self.failures.get(number):
            raise failure
        return [DUPLICATE_ITEM if statement in self.refused else None for statement in statements]


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(MAX_STATEMENTS + 5) as threads:
        yield threads


@pytest.fixture
def table() -> Iterator[Table]:
    table = Table()
    yield table
    table.goes_on.set()


class WatchedCommit(GroupCommit):
    """A group commit that signals when so many writes wait for the request in flight."""

    def __init__(self, *, waiting: int) -> None:
        super().__init__(linger_seconds=PATIENCE_SECONDS, patience_seconds=2 * PATIENCE_SECONDS)
        self.gathered = Event()
        self._expected = waiting

    def _enters(self, write: object) -> bool:
        enters = super()._enters(write)  # type: ignore[arg-type]
        if not enters and len(self._waiting) == self._expected:
            self.gathered.set()
        return enters


def in_flight_and_waiting(
    threads: ThreadPoolExecutor, table: Table, waiting: int
) -> list["Future[ClientError | None]"]:
    """Let write 0 be in flight and the others wait; return all their results."""
    commit = WatchedCommit(waiting=waiting)
    outcomes = [threads.submit(commit, a_write(0), table.execute)]
    assert table.is_called.wait(PATIENCE_SECONDS)
    outcomes += [threads.submit(commit, a_write(n + 1), table.execute) for n in range(waiting)]
    assert commit.gathered.wait(PATIENCE_SECONDS)
    table.goes_on.set()
    return outcomes


def test_a_lone_write_goes_at_once(table: Table):
    table.goes_on.set()

    assert GroupCommit()(a_write(1), table.execute) is None

    assert table.requests == [[a_write(1)]]


def test_writes_during_a_request_go_in_the_next(threads: ThreadPoolExecutor, table: Table):
    outcomes = in_flight_and_waiting(threads, table, 9)

    assert [outcome.result(PATIENCE_SECONDS) for outcome in outcomes] == [None] * 10
    first, second = table.requests
    assert first == [a_write(0)]
    assert sorted(str(write) for write in second) == sorted(str(a_write(n)) for n in range(1, 10))


def test_a_request_holds_no_more_than_dynamodb_takes(threads: ThreadPoolExecutor, table: Table):
    outcomes = in_flight_and_waiting(threads, table, MAX_STATEMENTS + 3)

    assert [outcome.result(PATIENCE_SECONDS) for outcome in outcomes] == [None] * len(outcomes)
    assert [len(request) for request in table.requests] == [1, MAX_STATEMENTS, 3]


def test_the_failure_of_a_write_is_its_own(threads: ThreadPoolExecutor, table: Table):
    table.refused = [a_write(2)]

    outcomes = in_flight_and_waiting(threads, table, 3)

    assert [outcome.result(PATIENCE_SECONDS) for outcome in outcomes] == [
        None,
        None,
        DUPLICATE_ITEM,
        None,
    ]


@pytest.mark.parametrize("failed", [0, 1])
def test_the_failure_of_a_request_is_that_of_its_writes_alone(
    threads: ThreadPoolExecutor, table: Table, failed: int
):
    table.failures = {failed: InfrastructureError("DynamoDB is away")}

    outcomes = in_flight_and_waiting(threads, table, 3)

    errors = [outcome.exception(PATIENCE_SECONDS) for outcome in outcomes]
    away = [isinstance(error, InfrastructureError) for error in errors]
    assert away == ([True, False, False, False] if failed == 0 else [False, True, True, True])


def test_a_slow_request_delays_the_next_by_no_more_than_the_patience(
    threads: ThreadPoolExecutor, table: Table
):
    commit = GroupCommit(patience_seconds=0.001)
    slow = threads.submit(commit, a_write(0), table.execute)
    assert table.is_called.wait(PATIENCE_SECONDS)

    assert commit(a_write(1), table.execute) is None
    assert not slow.done()


class OvertakenCommit(WatchedCommit):
    """A group commit whose write 1 is slow when its turn comes, so that another thread takes it."""

    def __init__(self) -> None:
        super().__init__(waiting=1)
        self.has_its_turn, self.is_overtaken = Event(), Event()

    def _linger(self, write: Any) -> None:
        if write.statement == a_write(1):
            self.has_its_turn.set()
            assert self.is_overtaken.wait(PATIENCE_SECONDS)
        super()._linger(write)


def test_a_write_that_another_thread_has_taken_gets_its_own_outcome(
    threads: ThreadPoolExecutor, table: Table
):
    commit, is_called, goes_on = OvertakenCommit(), Event(), Event()

    def execute(statements: Sequence[Statement]) -> list[ClientError | None]:
        is_called.set()
        assert goes_on.wait(PATIENCE_SECONDS)
        return [DUPLICATE_ITEM if statement == a_write(1) else None for statement in statements]

    threads.submit(commit, a_write(0), table.execute)
    assert table.is_called.wait(PATIENCE_SECONDS)
    slow = threads.submit(commit, a_write(1), execute)
    assert commit.gathered.wait(PATIENCE_SECONDS)
    table.goes_on.set()
    assert commit.has_its_turn.wait(PATIENCE_SECONDS)
    commit._patience_seconds = 0.001
    other = threads.submit(commit, a_write(2), execute)
    assert is_called.wait(PATIENCE_SECONDS)
    commit.is_overtaken.set()

    assert not wait([slow], timeout=0.05).done
    goes_on.set()
    assert (slow.result(PATIENCE_SECONDS), other.result(PATIENCE_SECONDS)) == (DUPLICATE_ITEM, None)


def test_a_write_waits_for_the_other_lanes_that_are_under_way(
    threads: ThreadPoolExecutor, table: Table
):
    table.goes_on.set()
    commit, barrier = GroupCommit(linger_seconds=PATIENCE_SECONDS), Barrier(2)

    def lane(number: int) -> ClientError | None:
        with commit:
            barrier.wait(PATIENCE_SECONDS)
            return commit(a_write(number), table.execute)

    outcomes = [threads.submit(lane, number) for number in (1, 2)]

    assert [outcome.result(PATIENCE_SECONDS) for outcome in outcomes] == [None, None]
    assert len(table.requests) == 1


class ObservedEvent(Event):
    """An event that signals when a thread waits for it."""

    def __init__(self) -> None:
        super().__init__()
        self.is_awaited = Event()

    def wait(self, timeout: float | None = None) -> bool:
        self.is_awaited.set()
        return super().wait(timeout)


def test_a_write_waits_no_longer_than_the_other_lane_is_under_way(
    threads: ThreadPoolExecutor, table: Table
):
    table.goes_on.set()
    commit = GroupCommit(linger_seconds=PATIENCE_SECONDS)
    commit._all_wait = lingering = ObservedEvent()
    with commit:
        with commit:
            outcome = threads.submit(commit, a_write(1), table.execute)
            assert lingering.is_awaited.wait(PATIENCE_SECONDS)

        assert outcome.result(PATIENCE_SECONDS) is None


def test_a_slow_lane_delays_a_write_by_no_more_than_the_linger(table: Table):
    table.goes_on.set()
    commit = GroupCommit(linger_seconds=0.001)

    with commit, commit:
        assert commit(a_write(1), table.execute) is None
