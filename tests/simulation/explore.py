"""All histories of a small world, up to a bound, instead of some that a seed draws.

The method is stateless search of the shipped code. A history is a sequence of choices, and nothing
else decides: each history is played anew from its beginning, and a printed sequence replays it.
Whatever may come next is an option of a choice: the next call of a worker, of the scheduler or of
an operator's command, a poll, an acknowledgement, a fault at a call, an operator's action. The time
goes on when nothing is left to do at an instant.

Two histories that reach the same state have the same future, so the second one ends there. A state
is a hash of three parts, and a future depends on nothing else:

- the content of all tables, queues and receivers, and all that the oracle will judge by: each
  lane's requests and records so far, in their order (``contents.py``);
- of each task that is under way, a hash of what it has come to know: its input, and for each of its
  calls the time and the content of what the call reads. Code is deterministic, so equal hashes mean
  equal local variables. A write adds how many requests and records its lane had before it, so the
  hash also says which of them are the task's own;
- what is planned, and for when.

How a state came about is no part of it. A task that has ended is known by what it has written.

Calls that commute with all that others may do meanwhile are no choice, which is a partial-order
reduction. Such are calls of something that nobody writes in this world, and calls of a lane while a
worker has its messages in flight: SQS gives out no other message of the group, so nobody else comes
to the lane at that instant, unless a process was frozen, an operator may act, or a minute begins.
Faults at these calls are choices all the same. A kill after a call that writes nothing is a kill
before it, and so is its failure.

A world may bound preemptions: how often a task that could go on has to wait for another one. Most
defects need two at most (ibid.). Hashes have 61 bits: with a million states, one is mistaken for
another once in some million searches.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.simulation.contents import Contents
from tests.simulation.faults import IMPOSSIBLE, Fault, Invocation
from tests.simulation.ports import TEAR_SECONDS
from tests.simulation.search import SENDS, Option, Path, Planned, Pruned, Search, Step
from tests.simulation.timeline import Actor, Timeline, WakeUp, Work

AS_BEFORE = (Fault.KILL_AFTER, Fault.TROUBLE_AFTER)  # where the call writes nothing
LATER = ("tick", "unpause")  # what begins at a time, and comes to the ledger
FREE = (*LATER, "poll", "ack")  # it does the same, whoever has planned it
OF_WORKERS = ("ledger", "healths", "paces", "receiver")
LOCK = "lock"
OPEN_SECONDS = (0.0, TEAR_SECONDS)  # of a request, of a torn read: others may go on meanwhile


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
    """Whether there is one lane, its messages are in flight, and operators have done all."""
    acts_left: Callable[[], Sequence[str]] = list
    act: Callable[[str], None] = lambda _: None
    told: Callable[[str], None] | None = None


class ExplorationTimeline(Timeline):
    """A timeline on which a path decides what comes next among all that may."""

    def __init__(self, start: float, random: Random) -> None:
        self._planned: list[Planned] = []
        self._hash = 0  # of the action that is being done, where no actor plays
        self._hashes: dict[Actor, int] = {}
        self._steps: dict[Actor, Step] = {}
        self._frozen: list[Planned] = []
        self._fault: Fault | None = None
        self._last: Actor | None = None  # who played last
        self._thawed: Actor | None = None  # who goes on without preempting anybody
        self._offered: list[Option] = []  # at this instant, of what may begin once
        self.rules = Rules(Path(Search(), b""))
        self.victim: Invocation | None = None  # of the one fault
        self._locks: dict[int, tuple[object, int]] = {}  # by process: who came to its lock
        super().__init__(start, random)

    # --- what is planned ---

    def at(self, time: float, action: Work, *, about: str = "") -> object:
        origin = hash((about, 0 if about.startswith(FREE) else self._playing_hash()))
        planned = Planned(max(time, self.time), origin, action, about)
        self._planned.append(planned)
        return planned

    def cancel(self, planned: object) -> None:
        self._planned = [one for one in self._planned if one is not planned]

    def begin(self, work: Work, *, context: Any) -> None:
        actor = self._resting.pop() if self._resting else Actor(self)
        actor.work, actor.context = work, context
        parts = (context.function, context.received, context.groups, self.time)
        origin = 0 if context.received and self._playing is self._main else self._playing_hash()
        self._hashes[actor] = hash((parts, origin))
        self._advance(hash((self._playing_hash(), "has begun another")))
        self._steps.pop(actor, None)
        self._enter(self.time, WakeUp(actor, actor.waits))

    def wake(self, actor: Actor) -> None:
        self._hashes[actor] = hash((self._hashes.get(actor), self._playing_hash()))
        super().wake(actor)

    def sleep(self, seconds: float) -> None:
        if self._playing is self._main or not self._is_interleaved():
            super().sleep(seconds)
        elif seconds in OPEN_SECONDS:
            self._yield(self._steps[self._playing], may_fail=False)
        elif seconds > 0:
            until = self.time + seconds
            while self.time < until:
                self.wait(until)

    def reach(self, call: str, about: Collection[object] = ()) -> None:
        if self._playing is not self._main and self._is_interleaved():
            self._yield(Step.of(call, tuple(about)), may_fail=False)

    def touch(self, call: str, about: Collection[object] = ()) -> None:
        self.change(Step.of(call, tuple(about)))

    def _enter(self, time: float, entry: Work | WakeUp) -> None:
        assert isinstance(entry, WakeUp)
        me = entry.actor
        self._planned.append(Planned(time, self._hashes.get(me, 0), actor=me, wait=entry.wait))

    def _is_quiet_until(self, time: float) -> bool:
        return False

    def _is_interleaved(self) -> bool:
        context: Invocation | None = self._playing.context
        return context is not None and context.function in self.rules.interleaved

    def _is_read_now(self, port: str) -> bool:
        """Whether a task is under way to which the calls of a port count as local."""
        readers = self.rules.unshared.get(port, frozenset())
        return any(actor.work and actor.context.function in readers for actor in self.actors)

    # --- calls ---

    def come_to(self, step: Step) -> Fault | None:
        """Let a path decide who goes first, and return the fault that befalls the call."""
        if not self._is_interleaved():
            self.change(step)
            return None
        self._yield(step, may_fail=True)
        return self._fault

    def freeze(self, *, has_called: bool) -> None:
        """Wait until the path thaws this actor, at this instant or at any later one."""
        me = self._playing
        self._frozen.append(self._turn(me, None if has_called else self._steps[me]))
        self._go_on(me)

    def _yield(self, step: Step, *, may_fail: bool) -> None:
        me = self._playing
        self._steps[me] = step
        self._planned.append(self._turn(me, step, may_fail=may_fail))
        self._go_on(me)

    def _turn(self, me: Actor, step: Step | None, *, may_fail: bool = False) -> Planned:
        return Planned(
            self.time, self._hashes[me], None, "", step, may_fail, actor=me, wait=me.waits
        )

    # --- turns ---

    def _next(self) -> Actor:
        while not self._failure:
            try:
                option = self._choose()
            except Pruned as pruned:
                self._failure = pruned
                break
            if option is None:
                break
            if actor := self._take(option):
                return actor
        return self._main

    def _choose(self) -> Option | None:
        """Decide what comes next. A replay looks at no more options than it needs."""
        path, given = self.rules.path, self.rules.path.given
        self._planned = [one for one in self._planned if not one.is_stale]
        ready = [one for one in self._awake() if one.time <= self.time]
        local = next((one for one in ready if self._is_local(one)), None)
        options = [Option(local)] if local else self._going_on(ready)
        beginnings = [] if local else self._beginnings()
        self._offered += beginnings
        if given is not None and given < len(options):
            return path.take(given, options)
        options += self._faulty([local] if local else ready)
        options += [one for one in beginnings if one not in options]
        return path.choose(options, self._state) if options else None

    def _awake(self) -> list[Planned]:
        """What may come next; a process is frozen as a whole."""
        if not self._frozen:
            return self._planned
        frozen = self._frozen[0].actor
        assert frozen
        return [
            one for one in self._planned if not one.actor or one.actor.context is not frozen.context
        ]

    def _is_local(self, one: Planned) -> bool:
        """Whether it commutes with everything: an actor goes on to its next call that matters."""
        if one.actor is None:
            return False
        if one.step is None:
            return True
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

    def _going_on(self, ready: Sequence[Planned]) -> list[Option]:
        """Options without a fault: whoever played last comes first."""
        if not ready:
            return [Option()] if self._awake() else [Option(one) for one in self._frozen]
        last = [one for one in ready if one.actor is self._last and one.actor]
        others = [one for one in ready if one not in last]
        preempted = (bool(last) and one.actor is not self._thawed for one in others)
        return [*map(Option, last), *map(_preempting, others, preempted)]

    def _beginnings(self) -> list[Option]:
        """What may begin at any choice: a thaw, an operator's action; once at each instant.

        Whoever begins comes to a call, which the path may put off, so a later beginning is the
        same.
        """
        options = [*map(Option, self._frozen), *(Option(act=act) for act in self.rules.acts_left())]
        return [one for one in options if one not in self._offered]

    def _faulty(self, ready: Sequence[Planned]) -> list[Option]:
        if self.victim or not self.rules.faults:
            return []
        return [Option(one, fault) for one in ready if one.may_fail for fault in self._faults(one)]

    def _faults(self, one: Planned) -> list[Fault]:
        assert one.step
        impossible = IMPOSSIBLE.get(one.step.port, ())
        if not one.step.is_write:
            impossible = (*impossible, *AS_BEFORE)
        return [fault for fault in self.rules.faults if fault not in impossible]

    def _take(self, option: Option) -> Actor | None:
        if self.rules.told:
            self.rules.told(self._words(option))
        if option.act:
            self._playing, self._hash = self._main, hash(("act", option.act, self.time))
            self.rules.act(option.act)
            return None
        if option.planned is None:
            self.time = min(one.time for one in self._awake())
            self._offered.clear()
            return None
        if option.planned in self._frozen:
            self._frozen.remove(option.planned)
            self._planned.append(option.planned)
            self._thawed = option.planned.actor
            return None
        return self._play_planned(option.planned, option.fault)

    def _play_planned(self, planned: Planned, fault: Fault | None) -> Actor | None:
        self._planned.remove(planned)
        if planned.action:
            self._playing, self._hash = self._main, hash((planned.hash, self.time))
            self.play(planned.action)
            return None
        actor = planned.actor
        assert actor
        self._fault, self._last = fault, actor
        if actor is self._thawed and planned.step:
            self._thawed = None
        if fault:
            self.victim = actor.context
        if planned.step:
            self._playing = actor
            self.change(planned.step, fault)
        return actor

    # --- the state, as a hash of how it came about ---

    def _playing_hash(self) -> int:
        return self._hash if self._playing is self._main else self._hashes[self._playing]

    def _advance(self, to: int) -> None:
        if self._playing is self._main:
            self._hash = to
        else:
            self._hashes[self._playing] = to

    def change(self, step: Step, fault: Fault | None = None) -> None:
        """Take into the hash of who plays what it comes to know by a call."""
        is_shared = step.is_write and step.port != LOCK
        assert not (is_shared and self._is_read_now(step.port)), f"{step.call} is no local step"
        known = self._learned(step)
        self._advance(hash((self._playing_hash(), step.call, self.time, fault, known)))
        if step.port == LOCK:
            self._locks[id(self.context)] = self.context, self._playing_hash()

    def _learned(self, step: Step) -> int:
        if step.port == LOCK:
            return self._locks.get(id(self.context), (None, 0))[1]
        assert self.rules.contents
        return 0 if step.call in SENDS else self.rules.contents.seen_by(step)

    def _state(self) -> int:
        contents, last = self.rules.contents, self._last
        assert contents
        tasks = sum(
            hash((self._hashes[one], me.is_dead, me.is_zombie, me.wrote_in_vain))
            for one in self.actors
            if one.work is not None and (me := one.context)
        )
        planned = sum(hash((one.time, one.hash, one.about)) for one in self._planned)
        going_on = None
        if self.rules.path.bound is not None and last and last.work:
            going_on = self._hashes[last]
        thawed = self._thawed and self._hashes[self._thawed]
        beginnings = tuple(one.act for one in self._beginnings())
        others = (len(self._frozen), going_on, thawed, beginnings, len(self.rules.acts_left()))
        return hash((self.time, tasks, planned, others, contents.all()))

    def _words(self, option: Option) -> str:
        if option.planned is None:
            return (option.act and f"an operator begins: {option.act}") or "time goes on"
        actor, step = option.planned.actor, option.planned.step
        who = actor.context.function if actor else "the platform"
        what = step.call if step else option.planned.about or "goes on"
        return f"{who}: {what}" + (f" ({option.fault})" if option.fault else "")


def _preempting(planned: Planned, preempts: bool) -> Option:  # noqa: FBT001
    return Option(planned, preempts=preempts)
