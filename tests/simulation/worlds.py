"""Small worlds, each small enough that all of its histories can be played."""

from dataclasses import dataclass, replace

from lakehook.domain.attempt import Response
from lakehook.domain.subscription import Ordering
from lakehook.ports.outbound import NoResponse
from tests.fakes import NOON
from tests.simulation.faults import Fault
from tests.simulation.receivers import SORRY
from tests.simulation.scenario import Publication, Scenario, Subscriber

KILLS = (Fault.KILL_BEFORE, Fault.KILL_AFTER)
FAILURES = (Fault.TROUBLE_BEFORE, Fault.TROUBLE_AFTER)
ZOMBIES = (Fault.FREEZE_BEFORE, Fault.FREEZE_AFTER)
LATE = (Fault.DELAY_BEFORE, Fault.DELAY_AFTER)
WORKERS = frozenset(("deliveries", "scheduler", "operator"))
FAN_OUT = frozenset(("events",))


@dataclass(frozen=True, kw_only=True)
class World:
    name: str
    lanes: int = 1
    events: int = 2
    ordering: Ordering = Ordering.STRICT
    script: tuple[Response | NoResponse, ...] = ()
    faults: tuple[Fault, ...] = ()
    acts: tuple[str, ...] = ()
    bound: int | None = None  # of preemptions
    batch: int = 10
    workers: int = 2
    interleaved: frozenset[str] = WORKERS

    @property
    def unshared(self) -> dict[str, frozenset[str]]:
        """Ports that nobody writes while these functions run."""
        unshared = {"keyring": self.interleaved}
        if self.lanes == 1:
            unshared["lock"] = self.interleaved  # of a process, which has but one lane
        if "events" not in self.interleaved:
            unshared["journal"] = frozenset(("scheduler",))
        if not {"pause", "remove"} & {*self.acts}:
            unshared["subscriptions"] = self.interleaved
        if "replay" not in self.acts:
            unshared["replays"] = self.interleaved
        return unshared

    @property
    def fans_out_at_once(self) -> bool:
        """Whether fan-out is one step, and of one pipeline alone."""
        return self.lanes == 1 and "events" not in self.interleaved

    def scenario(self) -> Scenario:
        return Scenario(
            subscribers=(Subscriber(id="a", schedule="1", ordering=self.ordering),),
            publications=tuple(
                Publication(NOON, str(lane), number)
                for lane in range(1, self.lanes + 1)
                for number in range(self.events)
            ),
        )


STRICT, SKIP = Ordering.STRICT, Ordering.SKIP
ACTS = ("redrive", "discard", "pause", "replay", "remove")
FAULTS = {"killed": KILLS, "failed call": FAILURES, "late call": LATE, "zombie": ZOMBIES}
RETRIED, DEAD_AT_LAST = (SORRY,), (SORRY, SORRY)
SCRIPTS = {"redrive": DEAD_AT_LAST, "discard": DEAD_AT_LAST}

SMALL = (
    World(name="one event, killed", events=1, faults=KILLS),
    World(name="one event, failed call", events=1, faults=FAILURES),
    World(name="one event, late call", events=1, faults=LATE),
    World(name="one event, replay", events=1, acts=("replay",)),
    *(
        World(name=f"dead letter, {ordering}", ordering=ordering, script=DEAD_AT_LAST)
        for ordering in (STRICT, SKIP)
    ),
    World(name="fan-out of one event, killed", events=1, faults=KILLS, interleaved=FAN_OUT),
)
"""Some seconds in all: the tests play them, too."""

LARGER = (
    *(
        World(name=f"one event, {act}", events=1, script=DEAD_AT_LAST, acts=(act,))
        for act in ("discard", "pause")
    ),
    *(
        World(name=f"fan-out of one event, {name}", events=1, faults=faults, interleaved=FAN_OUT)
        for name, faults in (("failed call", FAILURES), ("late call", LATE))
    ),
    *(
        World(name=f"fan-out of two events, {name}", faults=faults, interleaved=FAN_OUT)
        for name, faults in FAULTS.items()
        if name != "zombie"
    ),
    World(
        name="fan-out of two pipelines, killed",
        lanes=2,
        events=1,
        faults=KILLS,
        interleaved=FAN_OUT,
    ),
    World(name="two lanes", lanes=2, events=1),
    World(name="three events", events=3, script=RETRIED),
    *(
        World(name=f"{name}, {ordering}", ordering=ordering, script=RETRIED, faults=FAULTS[name])
        for name in ("killed", "failed call")
        for ordering in (STRICT, SKIP)
    ),
)

BOUNDS: dict[str, int | None] = {
    "pause and zombie": 0,
    "redrive and failed call": 0,
    "redrive and killed": 0,
    "remove and zombie": 0,
    "two lanes, late call": 0,
    "zombie, strict": 0,
    "discard and killed": None,
    "discard, skip": None,
    "late call, skip": None,
    "late call, strict": None,
    "pause and killed": None,
    "pause, skip": None,
    "pause, strict": None,
    "remove and failed call": None,
    "remove and killed": None,
    "remove, strict": None,
    "replay and killed": None,
    "replay, skip": None,
    "replay, strict": None,
    "three events, failed call": None,
    "three events, killed": None,
}
"""Where it is not one preemption: none, or all interleavings."""


def _bounded(world: World) -> World:
    return replace(world, bound=BOUNDS.get(world.name, 1))


WITH_FAULTS = (
    World(name="one event, zombie", events=1, faults=ZOMBIES),
    World(name="fan-out of one event, zombie", events=1, faults=ZOMBIES, interleaved=FAN_OUT),
    *(
        World(name=f"late call, {ordering}", ordering=ordering, script=RETRIED, faults=LATE)
        for ordering in (STRICT, SKIP)
    ),
    World(name="zombie, strict", script=RETRIED, faults=ZOMBIES),
    *(
        World(name=f"three events, {name}", events=3, script=RETRIED, faults=FAULTS[name])
        for name in ("killed", "failed call", "late call")
    ),
    *(
        World(name=f"two lanes, {name}", lanes=2, events=1, faults=FAULTS[name])
        for name in ("killed", "failed call", "late call")
    ),
)

WITH_ACTS = tuple(
    World(
        name=f"{act}, {ordering}",
        ordering=ordering,
        script=SCRIPTS.get(act, RETRIED),
        acts=(act,),
    )
    for act in ACTS
    for ordering in (STRICT, SKIP)
)

WITH_ACTS_AND_FAULTS = tuple(
    World(
        name=f"{act} and {name}",
        events=1,
        script=SCRIPTS.get(act, ()),
        faults=FAULTS[name],
        acts=(act,),
    )
    for name, acts in (
        ("killed", ("redrive", "discard", "pause", "replay", "remove")),
        ("failed call", ("redrive", "discard", "pause", "replay", "remove")),
        ("late call", ("discard", "pause", "replay", "remove")),
        ("zombie", ("pause", "remove")),
    )
    for act in acts
)

BOUNDED = tuple(map(_bounded, (*WITH_FAULTS, *WITH_ACTS, *WITH_ACTS_AND_FAULTS)))
"""Without a preemption each task goes on until it waits or has ended.

A frozen process may go on at any call.
"""

WORLDS = (*SMALL, *LARGER, *BOUNDED)
