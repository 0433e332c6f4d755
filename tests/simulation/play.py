"""Play of a scenario to its end: faults first, then calm, until nothing changes any more."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from lakehook.domain.delivery import Lane
from tests.simulation.clockwork import NeverRests
from tests.simulation.faults import Fault
from tests.simulation.history import EVERYONE
from tests.simulation.operators import Operator
from tests.simulation.oracle import Violation, judge
from tests.simulation.scenario import Publication, Scenario
from tests.simulation.system import System
from tests.simulation.workers import simulated_waits

OBJECTS_OF_SOME_HISTORIES = 500_000

Script = Callable[[System, Operator], None]


@dataclass(frozen=True)
class Played:
    system: System
    violations: tuple[Violation, ...]

    def arrived_types(self, lane: str) -> list[str]:
        """Return the event types that arrived, without repeats."""
        records = self.system.ledger.records
        sequences = dict.fromkeys(post.sequence for post in self.system.history.lanes[lane].posts)
        return [records[Lane.parse(lane), sequence].event_type for sequence in sequences]

    def report(self) -> str:
        """Return the violations, and the logs of the lanes they are about."""
        history = self.system.history
        lanes = {violation.lane for violation in self.violations if violation.lane}
        return "\n".join(
            [
                *map(str, self.violations),
                *(f"\n{history.report(lane)}" for lane in sorted(lanes)[:2]),
            ]
        )


def play(scenario: Scenario, script: Script | None = None) -> Played:
    system = System(scenario)
    operator = Operator(system)
    _plan(system, operator)
    if script:
        script(system, operator)
    try:
        with simulated_waits(system.timeline):
            return Played(system, _run(system, operator))
    finally:
        system.timeline.close()


@contextmanager
def one_after_the_other() -> Iterator[None]:
    """Collect garbage seldom, as each history keeps all its objects until it ends."""
    usual = gc.get_threshold()
    gc.set_threshold(OBJECTS_OF_SOME_HISTORIES)
    try:
        yield
    finally:
        gc.set_threshold(*usual)


def _run(system: System, operator: Operator) -> tuple[Violation, ...]:
    try:
        system.timeline.run()
        if system.scenario.redrives_at_last and not (violations := judge(system)):
            for subscriber in system.scenario.subscribers:
                operator.redrive(subscriber.id)
            system.timeline.run()
            return judge(system)
        return violations if system.scenario.redrives_at_last else judge(system)
    except NeverRests:
        return (Violation("never comes to rest", ""),)


def _plan(system: System, operator: Operator) -> None:
    scenario, timeline = system.scenario, system.timeline
    for publication in scenario.publications:
        timeline.at(publication.at, _publishing(system, publication))
    for act in scenario.acts:
        timeline.at(act.at, _acting(operator, act.action, act.subscription))
    timeline.at(scenario.calm_at, lambda: _calm(system, operator))


def _publishing(system: System, publication: Publication) -> Callable[[], None]:
    def publish() -> None:
        system.publish(publication)
        if system.faults.happens(Fault.EVENT_REPEATED, times_as_often=5):
            later = system.random.choice((1.0, 100.0, 400.0, 2000.0))
            timeline = system.timeline
            timeline.at(timeline.now() + later, lambda: system.publish(publication, copy=1))

    return publish


def _acting(operator: Operator, action: str, subscription: str) -> Callable[[], None]:
    return lambda: operator.act(action, subscription)


def _calm(system: System, operator: Operator) -> None:
    """All faults stop, what can recover does, and nobody is paused or disabled any more."""
    system.history.log(system.timeline.now(), EVERYONE, "calm")
    system.faults.calm()
    for receiver in system.receivers.values():
        receiver.is_calm = True
    for subscription in tuple(system.subscriptions.by_id.values()):
        if subscription.is_blocked:
            operator.act("unpause", subscription.id)
            operator.act("enable", subscription.id)
    system.clockwork.plan_all()
