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
    batch: int = 10
    workers: int = 2
    publishes_at_once: bool = False  # the events of all lanes, in one step
    interleaved: frozenset[str] = WORKERS

    thaws_for_good: bool = False  # a frozen process that goes on is not interrupted any more

    @property
    def unwritten(self) -> frozenset[str]:
        """Ports to which nobody writes, or nobody but one."""
        unwritten = {"keyring"}
        if self.lanes == 1:
            unwritten.add("lock")  # of a process, which has but one lane
        if not {"pause", "remove"} & {*self.acts}:
            unwritten.add("subscriptions")
        if "replay" not in self.acts:
            unwritten.add("replays")
        return frozenset(unwritten)

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
WITHOUT_ZOMBIES = ("killed", "failed call", "late call")
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
    World(name="two lanes of two events", lanes=2, publishes_at_once=True),
    World(name="three events", events=3, script=RETRIED),
    *(
        World(name=f"{name}, {ordering}", ordering=ordering, script=RETRIED, faults=FAULTS[name])
        for name in ("killed", "failed call")
        for ordering in (STRICT, SKIP)
    ),
)

WITH_FAULTS = (
    World(name="one event, zombie", events=1, faults=ZOMBIES),
    World(name="fan-out of one event, zombie", events=1, faults=ZOMBIES, interleaved=FAN_OUT),
    *(
        World(name=f"late call, {ordering}", ordering=ordering, script=RETRIED, faults=LATE)
        for ordering in (STRICT, SKIP)
    ),
    *(
        World(name=f"three events, {name}", events=3, script=RETRIED, faults=FAULTS[name])
        for name in WITHOUT_ZOMBIES
    ),
    *(
        World(name=f"two lanes, {name}", lanes=2, events=1, faults=FAULTS[name])
        for name in WITHOUT_ZOMBIES
    ),
    *(
        World(
            name=f"two lanes of two events, {name}",
            lanes=2,
            faults=FAULTS[name],
            publishes_at_once=True,
        )
        for name in WITHOUT_ZOMBIES
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
        thaws_for_good=name == "zombie",
    )
    for name in FAULTS
    for act in ACTS
)

LONGEST = (
    *(
        World(
            name=f"zombie, {ordering}",
            ordering=ordering,
            script=RETRIED,
            faults=ZOMBIES,
            thaws_for_good=True,
        )
        for ordering in (STRICT, SKIP)
    ),
    World(name="two lanes, zombie", lanes=2, events=1, faults=ZOMBIES, thaws_for_good=True),
    World(
        name="three events, zombie", events=3, script=RETRIED, faults=ZOMBIES, thaws_for_good=True
    ),
)

ALL = (*SMALL, *LARGER, *WITH_FAULTS, *WITH_ACTS, *WITH_ACTS_AND_FAULTS, *LONGEST)
UNFINISHED = frozenset(("redrive and zombie",))
"""Played only by its name: nobody has seen the end of this search yet."""
