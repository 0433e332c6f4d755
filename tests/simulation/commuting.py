"""What is no choice of a search, as it commutes with all that others may do: fewer histories.

A partial-order reduction. No choice are calls of something that nobody writes in this world, and
calls of a lane while a worker has its messages in flight: SQS gives out no other message of the
group, so nobody else comes to the lane at that instant, unless a process was frozen, an operator
may act, or a minute begins. Faults at these calls are choices all the same. A kill after a call
that writes nothing is a kill before it, and so is its failure; a kill between two calls of a task
is one history.

What only lets a poll find more is no choice either, as the poll may be put off: an answer and an
acknowledgement that frees a lane nobody else is at, in a world of one lane. Nor is a poll that
finds nothing, nor one of events while messages of the lane are in flight: it only enqueues more
behind them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from tests.simulation.contents import Contents
from tests.simulation.faults import Fault, Invocation
from tests.simulation.search import Option, Path, Planned, Search
from tests.simulation.timeline import Actor, Timeline

LATER = ("tick", "unpause")  # what begins at a time, and comes to the ledger
ANSWER = "sqs.answer"
OF_WORKERS = ("ledger", "healths", "paces", "receiver")
APART_FROM_FAN_OUT = (*OF_WORKERS, "replays", "keyring", "lock")


@dataclass
class Rules:
    """What a path decides by, and how the state of the world beside the tasks is seen."""

    path: Path
    faults: tuple[Fault, ...] = ()  # one of them, at one call
    interleaved: frozenset[str] = frozenset()  # functions; the calls of others are not waited at
    unshared: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Ports to which nobody writes while these functions run, so that their calls are local."""
    contents: Contents | None = None  # none: nothing is hashed
    is_lane_taken: Callable[[], bool] = lambda: False
    """Whether there is one lane, and its messages are in flight."""
    is_idle: Callable[[str], bool] = lambda _: False
    """Whether a poll of a queue would receive nothing now."""
    fans_out_at_once: bool = False  # the events of one lane, one after the other
    acts_left: Callable[[], Sequence[str]] = list
    act: Callable[[str], None] = lambda _: None
    told: Callable[[str], None] | None = None


class CommutingTimeline(Timeline):
    """What is planned on a timeline, and what of it is no choice."""

    def __init__(self, start: float, random: Random) -> None:
        self._planned: list[Planned] = []
        self._frozen: list[Planned] = []
        self._last: Actor | None = None  # who played last
        self._offered: list[Option] = []  # at this instant, of what may begin once
        self.rules = Rules(Path(Search()))
        super().__init__(start, random)

    def _is_local(self, one: Planned) -> bool:
        """Whether it commutes with everything: an actor goes on to its next call that matters."""
        if one.actor is None:
            return self._is_poll_in_vain(one.about) or self._is_local_ack(one.about)
        if one.step is None:
            return True
        if one.step.call == ANSWER:
            return self._is_last_to_answer(one.actor)
        if one.actor.context.function in self.rules.unshared.get(one.step.port, ()):
            return True
        return one.step.port in OF_WORKERS and self._is_alone(one.actor)

    def _is_alone(self, me: Actor) -> bool:
        """Whether nobody else can come to the lane at this instant: its messages are with me.

        Fan-out may enqueue more of them, but none is received while its lane is under way.
        """
        if me.context.function != "deliveries" or not self.rules.is_lane_taken():
            return False
        if any(one.about in LATER and one.time <= self.time for one in self._planned):
            return False
        if self._beginnings():
            return False
        harmless = [me.context, *(one.actor.context for one in self._frozen if one.actor)]
        return all(
            one.context.function == "events" or any(one.context is other for other in harmless)
            for one in self.actors
            if one.work is not None
        )

    def _is_last_to_answer(self, me: Actor) -> bool:
        """Whether an answer leads to no more than acknowledgements, which may be put off instead.

        Long after its deadline it leads to nothing; at the deadline it depends on who comes first.
        """
        invocation: Invocation = me.context
        others = (one for one in self.actors if one.work is not None and one is not me)
        return self.time != invocation.deadline and all(
            one.context is not invocation for one in others
        )

    def _is_local_ack(self, about: str) -> bool:
        """Whether an acknowledgement only lets a poll find more, which may be put off instead."""
        if about.startswith("ack events"):
            return self.rules.fans_out_at_once
        if not about.startswith("ack"):
            return False
        if about.endswith("[]"):
            return True
        at_work = (one for one in self.actors if one.work is not None)
        return self.rules.is_lane_taken() and all(
            one.context.function != "deliveries" for one in at_work
        )

    def _is_poll_in_vain(self, about: str) -> bool:
        """Whether nothing is there to receive; what comes at this instant is polled for anew."""
        return about.startswith("poll") and self.rules.is_idle(about.partition(" ")[2])

    def _without_vain_polls(self, ready: Sequence[Planned]) -> Sequence[Planned]:
        """What may come next while a lane is taken, but polls that commute with all of that.

        No message of the lane is received before its worker answers. So fan-out, whenever it comes,
        does no more than enqueue behind it.
        """
        is_preempting = any(one.actor is self._last and one.actor for one in ready)
        if not is_preempting and self.rules.path.bound is not None:
            return ready  # later it could be a preemption
        if not (self.rules.fans_out_at_once and self.rules.is_lane_taken()):
            return ready
        if not all(map(_is_apart_from_fan_out, ready)):
            return ready
        playing = [one for one in ready if not one.about.startswith("poll")]
        return playing if any(one.actor for one in playing) else ready

    def _beginnings(self) -> list[Option]:
        """What may begin at any choice: a thaw, an operator's action; once at each instant.

        Whoever begins comes to a call, which the path may put off, so a later beginning is the
        same.
        """
        options = [*map(Option, self._frozen), *(Option(act=act) for act in self.rules.acts_left())]
        return [one for one in options if one not in self._offered]


def _is_apart_from_fan_out(one: Planned) -> bool:
    """Whether it commutes with a poll of events, and with one of deliveries that finds nothing."""
    if one.step is None:
        return one.about.startswith(("poll", "tick"))
    if one.step.call == "sqs.dead":
        return True
    if one.step.port == "subscriptions":
        return not one.step.is_write
    return one.step.port in APART_FROM_FAN_OUT
