"""Small worlds, each small enough that all of its histories can be played."""

from dataclasses import dataclass

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
ANY_FAULT = (*KILLS, *FAILURES, *ZOMBIES)
WORKERS = frozenset(("deliveries", "scheduler", "operator"))


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
        unshared = {"keyring": WORKERS, "journal": frozenset(("scheduler",))}
        if not {"pause", "remove"} & {*self.acts}:
            unshared["subscriptions"] = WORKERS
        if "replay" not in self.acts:
            unshared["replays"] = WORKERS
        return unshared

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
FAULTS = {"killed": KILLS, "failed call": FAILURES, "zombie": ZOMBIES}
RETRIED, DEAD_AT_LAST = (SORRY,), (SORRY, SORRY)

SMALL = (
    World(name="one event, killed", events=1, faults=KILLS),
    World(name="one event, failed call", events=1, faults=FAILURES),
    World(name="one event, replay", events=1, acts=("replay",)),
    *(
        World(name=f"dead letter, {ordering}", ordering=ordering, script=DEAD_AT_LAST)
        for ordering in (STRICT, SKIP)
    ),
)
"""Some seconds in all: the tests play them, too."""

LARGER = (
    World(name="one event, zombie", events=1, faults=ZOMBIES),
    World(name="two lanes", lanes=2, events=1),
    *(
        World(name=f"one event, {act}", events=1, script=DEAD_AT_LAST, acts=(act,))
        for act in ("redrive", "discard", "pause", "remove")
    ),
    *(
        World(name=f"{name}, {ordering}", ordering=ordering, script=RETRIED, faults=faults)
        for name, faults in FAULTS.items()
        if name != "zombie"
        for ordering in (STRICT, SKIP)
    ),
    World(name="three events, killed", events=3, faults=KILLS),
)

BOUNDED = (
    *(
        World(
            name=f"{act}, {ordering}",
            ordering=ordering,
            script=DEAD_AT_LAST,
            acts=(act,),
            bound=1,
        )
        for act in ACTS
        for ordering in (STRICT, SKIP)
    ),
    *(
        World(
            name=f"zombie, {ordering}",
            ordering=ordering,
            script=RETRIED,
            faults=ZOMBIES,
            bound=1,
        )
        for ordering in (STRICT, SKIP)
    ),
    *(
        World(
            name=f"{act} and {name}",
            events=1,
            script=DEAD_AT_LAST,
            faults=faults,
            acts=(act,),
            bound=0,
        )
        for act in ("redrive", "discard", "pause", "remove")
        for name, faults in FAULTS.items()
    ),
    World(name="two lanes, two events", lanes=2, events=2, bound=1),
    World(name="two lanes, killed", lanes=2, events=1, faults=KILLS, bound=1),
)

WORLDS = (*SMALL, *LARGER, *BOUNDED)
