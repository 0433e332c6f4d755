"""A fault at every single call of a history, one after the other: each time all goes well."""

import zlib
from typing import Any

import pytest

from lakehook.domain.lane import DeliveryStatus
from lakehook.ingestion.fan_out import TURN_SECONDS
from tests.fakes import NOON
from tests.simulation.faults import Fault, Killed
from tests.simulation.operators import Operator
from tests.simulation.play import Played, play
from tests.simulation.receivers import OK, SORRY, ScriptedReceiver
from tests.simulation.scenario import Publication, Scenario, Subscriber
from tests.simulation.system import System
from tests.simulation.wiring import DEAD_EVENTS, VISIBILITY_SECONDS

FAULTS = (
    Fault.KILL_BEFORE,
    Fault.KILL_AFTER,
    Fault.TROUBLE_BEFORE,
    Fault.TROUBLE_AFTER,
    Fault.DELAY_AFTER,
    Fault.FREEZE_BEFORE,
    Fault.FREEZE_AFTER,
)
EVENTS = 3
APART = 12  # calls: a second kill during the recovery from the first


def played(strikes: dict[int, Fault]) -> Played:
    """The first delivery fails until it dies; it is redriven, and all that waited follows."""
    scenario = Scenario(
        subscribers=(Subscriber(id="a", schedule="0.5"),),
        publications=tuple(Publication(NOON + n, "1", n) for n in range(EVENTS)),
        calm_at=NOON + 7200,
        strikes=strikes,
    )
    return play(scenario, redriven)


def redriven(system: System, operator: Operator) -> None:
    system.receivers["a"] = ScriptedReceiver([SORRY, SORRY], then=OK)
    for seconds in (1000, 2000):
        system.timeline.at(NOON + seconds, lambda: operator.act("redrive", "a"))


def calls() -> range:
    return range(1, played({}).system.faults.calls + 1)


def test_a_delivery_dies_once_and_is_redriven_without_faults():
    history = played({})

    assert not history.violations
    assert history.system.history.counts["attempts"] == 2 + EVENTS
    assert len(calls()) > 20


@pytest.mark.parametrize("fault", FAULTS)
def test_no_fault_at_any_call_breaks_a_promise(fault: Fault):
    for number in calls():
        history = played({number: fault})

        assert not history.violations, f"{fault} {number}\n{history.report()}"
        assert arrived(history), f"{fault} {number}\n{history.system.history.read()}"


@pytest.mark.parametrize("apart", range(1, APART + 1))
def test_no_two_kills_break_a_promise(apart: int):
    for number in calls():
        kills = {number: Fault.KILL_AFTER, number + apart: Fault.KILL_BEFORE}
        history = played(kills)

        assert not history.violations, f"{kills}\n{history.report()}"
        assert arrived(history), f"{kills}\n{history.system.history.read()}"


def crashing(system: System, _operator: Operator) -> None:
    """Kill the worker that numbers the first event of pipeline 1."""
    execute = system.dynamodb.batch_execute_statement

    def kill(*, Statements: list[Any]) -> Any:  # noqa: N803
        if any(_accepts_the_first(statement) for statement in Statements):
            system.timeline.context.is_dead = True
            raise Killed
        return execute(Statements=Statements)

    system.dynamodb.batch_execute_statement = kill  # type: ignore[method-assign]


def _accepts_the_first(statement: dict[str, Any]) -> bool:
    binaries = [value["B"] for value in statement["Parameters"] if "B" in value]
    texts = map(zlib.decompress, binaries)
    return any(b'"1-0"' in text for text in texts)


def test_an_event_that_kills_fan_out_is_quarantined_and_the_other_pipelines_go_on():
    publications = (
        *(Publication(NOON + n / 10, str(pipeline), n) for n in range(3) for pipeline in range(6)),
        *(Publication(NOON + 200 + n, str(n), 0) for n in range(10, 40)),
    )

    history = play(Scenario(publications=publications, calm_at=NOON + 7200), crashing)

    assert not history.violations, history.report()
    assert history.system.queues[DEAD_EVENTS].counts().visible == 1
    lanes = history.system.history.lanes
    assert [post.sequence for post in lanes["a#1"].posts] == [1, 2, 3]  # CREATED is inferred
    for publication in publications:
        arrived_at = lanes[f"a#{publication.pipeline}"].posts[-1].began_at
        took = arrived_at - publication.at
        if publication.pipeline != "1":
            assert took < VISIBILITY_SECONDS["events"] + 2 * TURN_SECONDS
        if publication.at > NOON + VISIBILITY_SECONDS["events"]:
            assert took < 2 * TURN_SECONDS


def arrived(history: Played) -> bool:
    records = history.system.ledger.records
    return [record.status for record in records.values()] == [DeliveryStatus.DELIVERED] * EVENTS
