"""Scenario that a seed draws: subscribers, how they answer, publications, faults."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import groupby
from operator import attrgetter
from random import Random

from lakehook.domain.event import split_pipeline_key
from lakehook.domain.rate_limit import Rate
from lakehook.domain.subscription import Ordering
from tests.fakes import NOON
from tests.simulation.faults import AT_A_CALL, Fault
from tests.simulation.receivers import Temper
from tests.simulation.rules import delays

SCHEDULES = ("0.5,2", "5,300", "5,70,1800", "30,30,30", "1")
RATES = (0.0, 0.002, 0.01, 0.01, 0.03, 0.08)
PACES = (None, None, None, "6/m", "30/m", "1/s")
STATES = ("CREATED", "RUNNING", "COMPLETED")
FOLLOWERS = {
    "": ("CREATED", "RUNNING"),
    "CREATED": ("RUNNING", "COMPLETED"),
    "RUNNING": ("CREATED", "RUNNING", "COMPLETED"),  # interrupted, it waits, and runs again
    "COMPLETED": ("CREATED", "RUNNING"),
}
TWO_SOURCES = 0.5  # of all histories
RESUMABLE = 0.5  # of all pipelines
LATE_END = 0.3  # so many ends of a resumed run are of a beginning before its last
RESUMED_EARLY = 25  # each so manieth history is of lanes that are resumed early
REMOVED = 0.1  # so many histories lose a subscriber
TABLES = frozenset(("ledger", "healths", "journal", "subscriptions"))
DRAWN = tuple(Temper)[:-1]  # each may be anyone but the silent one
ACTIONS = ("pause", "enable", "redrive", "console", "discard", "replay", "replay")


@dataclass(frozen=True, kw_only=True)
class Subscriber:
    id: str
    temper: Temper = Temper.QUICK
    recovers: bool = True
    ordering: Ordering = Ordering.STRICT
    schedule: str = "5,300"
    deadline: float = 10.0
    pace: Rate | None = None

    @cached_property
    def delays(self) -> tuple[float, ...]:
        return delays(self.schedule)

    @property
    def budget(self) -> int:
        """Return the attempts until a delivery is dead."""
        return len(self.delays) + 1


@dataclass(frozen=True)
class Publication:
    at: float
    pipeline: str  # its key: staging/1 is the first of another source
    number: int
    state: str = ""  # else by its number, so that each run has three events
    began_at: float | None = None

    @property
    def source(self) -> str | None:
        return split_pipeline_key(self.pipeline)[0]

    @property
    def pipeline_id(self) -> str:
        return split_pipeline_key(self.pipeline)[1]

    @property
    def event_id(self) -> str:
        """Return the event's id within its source; two sources may have the same."""
        return f"{self.pipeline_id}-{self.number}"

    @property
    def event_type(self) -> str:
        return f"PIPELINE_{self.state or STATES[self.number % len(STATES)]}"

    @property
    def changed_at(self) -> float:
        """Return the time by the producer's clock; no two of a pipeline are equal."""
        return self.at + self.number


@dataclass(frozen=True)
class Act:
    """Action of an operator on a subscription."""

    at: float
    action: str
    subscription: str


@dataclass(frozen=True, kw_only=True)
class Scenario:
    seed: int = 0
    subscribers: tuple[Subscriber, ...] = (Subscriber(id="a"),)
    publications: tuple[Publication, ...] = ()
    acts: tuple[Act, ...] = ()
    rate: float = 0.0
    kinds: tuple[Fault, ...] = AT_A_CALL
    outages: tuple[tuple[float, float], ...] = ()
    out_of_order: frozenset[str] = TABLES
    calm_at: float = NOON + 3600
    planned: dict[str, list[Fault | None]] = field(default_factory=dict)
    strikes: dict[int, Fault] = field(default_factory=dict)
    redrives_at_last: bool = False
    items_a_page: int = 1  # of the journal, that a replay reads

    def with_(self, **changes: object) -> "Scenario":
        return replace(self, **changes)  # type: ignore[arg-type]


def draw(seed: int) -> Scenario:
    if seed % RESUMED_EARLY == 0:
        return resumed_shortly_before_a_retry(seed)
    random = Random(seed)
    subscribers = tuple(_subscriber(random, name) for name in "abcd"[: random.randint(1, 4)])
    lasting = random.choice((5.0, 120.0, 1800.0))
    publications = tuple(_with_runs(seed, _publications(random, lasting)))
    if Random(f"{seed}/sources").random() < TWO_SOURCES:
        publications = tuple(map(_of_two_sources, publications))
    calm_at = NOON + lasting + random.choice((60.0, 900.0, 7200.0))
    return Scenario(
        seed=seed,
        subscribers=subscribers,
        publications=publications,
        acts=_acts(random, subscribers, calm_at),
        rate=random.choice(RATES),
        kinds=tuple(random.sample(AT_A_CALL, random.randint(1, len(AT_A_CALL)))),
        outages=_outages(random, lasting),
        out_of_order=random.choice((TABLES, TABLES, frozenset(("keyring",)))),
        calm_at=calm_at,
        redrives_at_last=random.random() < 0.5,
        items_a_page=2,
    )


def resumed_shortly_before_a_retry(seed: int) -> Scenario:
    """Two lanes of an endpoint that never answers, resumed some seconds before their own time.

    Their second attempts end after a minute, and the third are due 300 to 330 s later. An operator
    has resumed the lanes by then: an attempt begins before its time, and ends after it.
    """
    never_answers = Subscriber(id="a", temper=Temper.SILENT, recovers=True, deadline=20.0)
    return Scenario(
        seed=seed,
        subscribers=(never_answers,),
        publications=tuple(Publication(NOON + 17, pipeline, 0) for pipeline in "12"),
        acts=(Act(NOON + 48, "pause", "a"),),
    )


def _subscriber(random: Random, name: str) -> Subscriber:
    return Subscriber(
        id=name,
        temper=random.choice(DRAWN),
        recovers=random.random() < 0.7,
        ordering=random.choice(tuple(Ordering)),
        schedule=random.choice(SCHEDULES),
        deadline=random.choice((3.0, 10.0, 20.0)),
        pace=_pace(random),
    )


def _pace(random: Random) -> Rate | None:
    """Drawn by chances of its own, so that all else in a history stays as it was."""
    drawn = Random(str(random.getstate()[1][:3])).choice(PACES)  # type: ignore[index]
    return Rate.parse(drawn) if drawn else None


def _publications(random: Random, lasting: float) -> tuple[Publication, ...]:
    return tuple(
        Publication(at, str(pipeline), number)
        for pipeline in range(1, random.randint(1, 6) + 1)
        for number, at in enumerate(
            sorted(NOON + random.uniform(0, lasting) for _ in range(random.randint(1, 8)))
        )
    )


def _with_runs(seed: int, publications: Iterable[Publication]) -> Iterator[Publication]:
    """Let some pipelines report when their runs began; some are interrupted and resumed.

    A random source of its own draws them, so that all else in a history stays as it was.
    """
    for pipeline, group in groupby(publications, key=attrgetter("pipeline")):
        random, of_pipeline = Random(f"{seed}/{pipeline}"), tuple(group)
        yield from _runs(random, of_pipeline) if random.random() < RESUMABLE else of_pipeline


def _of_two_sources(publication: Publication) -> Publication:
    """Number the pipelines of two sources from 1: what was 1, 2, 3 is 1, staging/1, 2."""
    number, is_second = divmod(int(publication.pipeline) + 1, 2)
    pipeline = f"staging/{number}" if is_second else str(number)
    return replace(publication, pipeline=pipeline)


def _runs(random: Random, publications: Iterable[Publication]) -> Iterator[Publication]:
    state, beginnings = "", list[float]()
    for publication in publications:
        following = random.choice(FOLLOWERS[state])
        if following == "RUNNING":
            beginnings.append(publication.changed_at)
        is_late = following == "COMPLETED" and beginnings[1:] and random.random() < LATE_END
        began_at = (
            beginnings[0 if is_late else -1] if beginnings and following != "CREATED" else None
        )
        yield replace(publication, state=following, began_at=began_at)
        if not is_late and not (state == "RUNNING" and following == "CREATED"):
            state = following
        if state == "COMPLETED":
            beginnings.clear()


def _acts(random: Random, subscribers: tuple[Subscriber, ...], calm_at: float) -> tuple[Act, ...]:
    actions = random.choices(ACTIONS, k=random.choice((0, 0, 1, 3, 6)))
    if random.random() < REMOVED:
        actions.append("remove")
    return tuple(
        Act(random.uniform(NOON, calm_at), action, random.choice(subscribers).id)
        for action in actions
    )


def _outages(random: Random, lasting: float) -> tuple[tuple[float, float], ...]:
    if random.random() < 0.8:
        return ()
    start = NOON + random.uniform(0, lasting)
    return ((start, start + random.choice((2.0, 60.0, 400.0))),)
