"""Writes of the ledger, as the model knows them: what becomes of a delivery, and of its lane.

A write changes both at once or neither. ``make model`` lets spin check the model, each of whose
writes must stand in ``ledger_writes.txt``. The tests compare the same table with what the shipped
code writes.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

from lakehook.domain.delivery import Lane
from lakehook.domain.lane import DeliveryRecord, HeldLane
from tests.simulation.ports import WitnessedLedger

TABLE = Path(__file__).with_name("ledger_writes.txt")


class Write(NamedTuple):
    """Write of the ledger; ``-`` where it leaves the delivery or the lane as it is."""

    delivery: str  # as it was: absent, waiting, dead, delivered …
    becomes: str
    lane: str  # as it was: flowing, due, idle (without a due time), dead (behind a dead letter)
    lane_becomes: str
    head: str  # of the lane then, beside this delivery: before, itself, after; none if it flows


def read_table() -> dict[Write, str]:
    """The rows, each with its meaning."""
    rows = {}
    for line in TABLE.read_text().splitlines():
        if line and not line.startswith("#"):
            *fields, meaning = line.split(maxsplit=5)
            rows[Write(*fields)] = meaning
    return rows


def modelled() -> list[Write]:
    """The rows that the model writes."""
    return [row for row, meaning in read_table().items() if "*" not in meaning]


@contextmanager
def recorded_writes() -> Iterator[list[Write]]:
    """Record every write of a delivery by the simulation's ledger."""
    writes: list[Write] = []
    with ExitStack() as patches:
        for method in ("save", "save_late_success", "save_lane", "lease"):
            write = getattr(WitnessedLedger, method)
            patches.enter_context(
                patch.object(WitnessedLedger, method, _recording(write, writes.append))
            )
        yield writes


def _recording(write: Callable[..., Any], append: Callable[[Write], None]) -> Callable[..., Any]:
    def record(ledger: WitnessedLedger, subject: Any, *args: Any, **kwargs: Any) -> Any:
        lanes, records = dict(ledger.lanes), dict(ledger.records)
        result = write(ledger, subject, *args, **kwargs)
        for row in _changes(lanes, records, ledger):
            append(row)
        return result

    return record


def _changes(
    lanes: dict[Lane, HeldLane],
    records: dict[tuple[Lane, int], DeliveryRecord],
    ledger: WitnessedLedger,
) -> Iterator[Write]:
    moved = {
        lane: (lanes.get(lane), ledger.lanes.get(lane))
        for lane in lanes.keys() | ledger.lanes.keys()
        if lanes.get(lane) != ledger.lanes.get(lane)
    }
    written = [key for key, record in ledger.records.items() if records.get(key) is not record]
    for lane, sequence in written:
        before, after = moved.get(lane, (ledger.lanes.get(lane),) * 2)
        was = records.get((lane, sequence))
        yield Write(
            str(was.status) if was else "absent",
            str(ledger.records[lane, sequence].status),
            kind_of(before),
            kind_of(after),
            _head(after, sequence),
        )
    for lane, (before, after) in moved.items():
        if not any(key[0] == lane for key in written):
            head = before.head if before else 0
            yield Write("-", "-", kind_of(before), kind_of(after), _head(after, head))


def kind_of(held: HeldLane | None) -> str:
    if held is None:
        return "flowing"
    if held.due_at is not None:
        return "due"
    return "dead" if held.head_is_dead else "idle"


def _head(held: HeldLane | None, sequence: int) -> str:
    if held is None:
        return "none"
    return "itself" if held.head == sequence else "before" if held.head < sequence else "after"
