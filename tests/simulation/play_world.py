"""Plays one history of a small world: the system, its queues and operators, as a path decides."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import Any

from lakehook.adapters.sqs.dead_letters import SqsDeadLetterQueue
from lakehook.domain.errors import Conflict, InfrastructureError
from lakehook.domain.lane import DeliveryStatus
from lakehook.domain.replay import DeliveryFilter
from lakehook.ports.queues import DeadLetterQueue
from lakehook.subscriptions.lifecycle import ResumeLanesGradually
from tests.fakes import NOON
from tests.simulation.clockwork import TIMEOUT_SECONDS, NeverRests
from tests.simulation.contents import Contents
from tests.simulation.exploration_gate import ExplorationGate
from tests.simulation.explore import ExplorationTimeline, Rules
from tests.simulation.faults import Invocation
from tests.simulation.operators import Operator
from tests.simulation.oracle import Violation, judge
from tests.simulation.ports import Reached, ReachedLedger
from tests.simulation.receivers import ScriptedReceiver
from tests.simulation.scenario import Publication
from tests.simulation.search import Path, Pruned
from tests.simulation.system import System
from tests.simulation.wiring import DEAD, DELIVERIES
from tests.simulation.workers import simulated_waits
from tests.simulation.worlds import World


class Constant(Random):
    """Chance has no say: whatever may happen is an option of a path."""

    def random(self) -> float:
        return 0.5

    def choice(self, seq: Any) -> Any:
        return seq[0]

    def uniform(self, a: float, b: float) -> float:
        return a


class OperatorsPort(Reached):
    """A port whose data an operator's command reads, too."""

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._port, name)
        return super().__getattr__(name) if callable(value) else value


class OperatorsLedger(ReachedLedger, OperatorsPort):
    pass


class OperatorsSystem:
    """The system as a command reaches it: each call of a port is a step."""

    def __init__(self, system: System) -> None:
        self._system = system
        gate = system.gate
        self.subscriptions = OperatorsPort("subscriptions", system.subscriptions, gate)
        self.ledger = OperatorsLedger("ledger", system.ledger, gate)
        self.journal = system.stored_journal  # whose requests are steps
        self.replays = OperatorsPort("replays", system.replays, gate)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._system, name)


@dataclass(frozen=True)
class ExploringOperator(Operator):
    """No command is interrupted but by a fault at a call."""

    @property
    def _wake(self) -> ResumeLanesGradually:
        return ResumeLanesGradually(self.system.ledger, self.system.timeline)

    @property
    def _copies(self) -> DeadLetterQueue:
        return SqsDeadLetterQueue(self.system.sqs, DEAD)

    def replay(self, subscription: str) -> None:
        self.replay_status(subscription, DeliveryFilter.ANY)


@dataclass(frozen=True)
class History:
    """One history of a world, to its end or to a state that was seen before."""

    system: System
    path: Path
    violations: tuple[Violation, ...] = ()
    was_pruned: bool = False

    def report(self) -> str:
        return "\n".join((*map(str, self.violations), "", self.system.history.read()))


def play(world: World, path: Path, *, aloud: bool = False) -> History:
    system = System(world.scenario(), ExplorationTimeline, ExplorationGate, Constant())
    timeline = system.timeline
    assert isinstance(timeline, ExplorationTimeline)
    _prepare(world, system, timeline, path)
    if aloud:
        timeline.rules.announce = lambda words: system.history.log(
            timeline.time, "", "next:", words
        )
    try:
        with simulated_waits(timeline):
            timeline.run()
        return History(system, path, judge(system))
    except Pruned:
        return History(system, path, was_pruned=True)
    except NeverRests:
        return History(system, path, (Violation("never comes to rest", ""),))
    finally:
        timeline.close()


def _prepare(world: World, system: System, timeline: ExplorationTimeline, path: Path) -> None:
    system.receivers["a"] = ScriptedReceiver(list(world.script), seconds=0.0)  # type: ignore[assignment]
    system.sources[DELIVERIES].concurrency = world.workers
    system.sources[DELIVERIES].batch_sizes = (world.batch,)
    system.sources["events"].batch_sizes = (1,) if world.fans_out_at_once else (10,)
    system.faults.calm()
    system.clockwork.plans_ahead = True
    if "events" in world.interleaved:
        system.faults.rate = 1.0  # others may write in the midst of a batch that is read
    acts = Acts(system, list(world.acts))
    timeline.play_by(
        Rules(
            path,
            world.faults,
            world.interleaved,
            world.unwritten,
            Contents(system),
            thaws_for_good=world.thaws_for_good,
            acts_left=acts.left,
            act=acts.begin,
        )
    )
    if world.fans_out_at_once or world.publishes_at_once:
        system.timeline.at(NOON, lambda: _publish_all(system), about="publish")
        return
    for lane in range(1, world.lanes + 1):
        publications = system.scenario.publications
        _publish(system, [each for each in publications if each.pipeline == str(lane)])


def _publish_all(system: System) -> None:
    """Publish all at once; polls may be put off instead, and each finds one event."""
    for publication in system.scenario.publications:
        system.publish(publication)


def _publish(system: System, publications: Sequence[Publication]) -> None:
    """Publish the events of a pipeline one after the other; others may go on in between."""

    def publish() -> None:
        system.publish(first)
        _publish(system, following)

    if publications:
        first, *following = publications
        system.timeline.at(first.at, publish, about="publish")


@dataclass
class Acts:
    """One action, of those an operator may do, at any choice."""

    system: System
    may: list[str]

    def left(self) -> Sequence[str]:
        return [act for act in self.may if _USEFUL[act](self.system)]

    def begin(self, act: str) -> None:
        self.may.clear()
        system = self.system
        now = system.timeline.now()
        if act == "tick":
            invocation = Invocation("scheduler", now + TIMEOUT_SECONDS, frozenset())
            assert system.clockwork.tick
            system.platform.invoke(invocation, system.clockwork.tick, lambda *_: None)
            return
        pipelines = {publication.pipeline for publication in system.scenario.publications}
        groups = frozenset((*pipelines, *(f"a#{pipeline}" for pipeline in pipelines)))
        invocation = Invocation("operator", now + 3600.0, groups, (act,))
        operator = ExploringOperator(OperatorsSystem(system))  # type: ignore[arg-type]

        def command() -> None:
            system.timeline.touch("subscriptions.all")
            with suppress(Conflict, InfrastructureError):
                operator.act(act, "a")

        system.platform.invoke(invocation, command, lambda *_: None)


def _has_dead(system: System) -> bool:
    records = system.ledger.records.values()
    return any(record.status is DeliveryStatus.DEAD for record in records)


_USEFUL: dict[str, Callable[[System], bool]] = {
    "redrive": _has_dead,
    "discard": _has_dead,
    "console": _has_dead,
    "pause": lambda _: True,
    "remove": lambda _: True,
    "replay": lambda system: any(r.status.is_final for r in system.ledger.records.values()),
    "tick": lambda system: bool(system.ledger.lanes),
}
