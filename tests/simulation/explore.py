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

Calls that commute with all that others may do meanwhile are no choice (``commuting.py``).

A world may bound preemptions: how often a task that could go on has to wait for another one. Most
defects need two at most (Musuvathi and Qadeer, "Iterative Context Bounding", PLDI 2007). Hashes
have 61 bits: with a million states, one is mistaken for another once in some million searches.
"""

from collections.abc import Collection, Sequence
from functools import partial
from random import Random
from typing import Any

from tests.simulation.commuting import LATER, CommutingTimeline
from tests.simulation.faults import FREEZES, IMPOSSIBLE, Fault, Invocation
from tests.simulation.ports import TEAR_SECONDS
from tests.simulation.search import SENDS, Option, Planned, Pruned, Step, Turn
from tests.simulation.timeline import Actor, WakeUp, Work

AS_BEFORE = (Fault.KILL_AFTER, Fault.TROUBLE_AFTER)  # where the call writes nothing
FREE = (*LATER, "poll", "ack")  # it does the same, whoever has planned it
LOCK = "lock"
OPEN_SECONDS = (0.0, TEAR_SECONDS)  # of a request, of a torn read: others may go on meanwhile


class ExplorationTimeline(CommutingTimeline):
    """A timeline on which a path decides what comes next among all that may."""

    def __init__(self, start: float, random: Random) -> None:
        self._hash = 0  # of the action that is being done, where no actor plays
        self._hashes: dict[Actor, int] = {}
        self._steps: dict[Actor, Step] = {}
        self._fault: Fault | None = None
        self._thawed: Actor | None = None  # who goes on without preempting anybody
        self._has_called: Actor | None = None  # whose call came just now, and could have failed
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
            if option is None or self._is_end(option):
                break
            if actor := self._take(option):
                return actor
        return self._main

    def _choose(self) -> Option | None:
        """Decide what comes next. What a path before has decided is looked up."""
        path = self.rules.path
        self._planned = [one for one in self._planned if not one.is_stale]
        if turn := path.repeat():
            return self._repeat(turn)
        ready = [one for one in self._awake() if one.time <= self.time]
        local = next((one for one in ready if self._is_local(one)), None)
        options = [Option(local)] if local else self._going_on(ready)
        beginnings = [] if local else self._beginnings()
        self._offered += beginnings
        options += self._faulty([local] if local else ready)
        options += [one for one in beginnings if one not in options]
        if not options:
            return None
        if all(option.act for option in options):
            options = [Option(), *options]  # an operator may never act
        turn_of = partial(self._turn_of, options, is_local=local is not None)
        return path.choose(options, turn_of, self._state)

    def _is_end(self, option: Option) -> bool:
        """Whether nothing comes any more, and an operator does not act."""
        return not (option.planned or option.act or self._awake() or self._frozen)

    def _turn_of(self, options: Sequence[Option], number: int, *, is_local: bool) -> Turn:
        option = options[number]
        place = -1
        if option.planned:
            place = [*self._planned, *self._frozen].index(option.planned)
        return Turn(number, place, option.fault, option.act, option.preempts, is_local)

    def _repeat(self, turn: Turn) -> Option:
        if not turn.is_local:
            self._offered += self._beginnings()
        planned = [*self._planned, *self._frozen][turn.place] if turn.place >= 0 else None
        return Option(planned, turn.fault, turn.act, turn.preempts)

    def _awake(self) -> list[Planned]:
        """What may come next; a process is frozen as a whole."""
        if not self._frozen:
            return self._planned
        frozen = self._frozen[0].actor
        assert frozen
        return [
            one for one in self._planned if not one.actor or one.actor.context is not frozen.context
        ]

    def _going_on(self, ready: Sequence[Planned]) -> list[Option]:
        """Options without a fault: whoever played last comes first."""
        if not ready:
            return [Option()] if self._awake() else [Option(one) for one in self._frozen]
        ready = self._without_vain_polls(ready)
        last = [one for one in ready if one.actor is self._last and one.actor]
        others = [one for one in ready if one not in last]
        preempted = (bool(last) and one.actor is not self._thawed for one in others)
        return [*map(Option, last), *map(_preempting, others, preempted)]

    def _faulty(self, ready: Sequence[Planned]) -> list[Option]:
        if self.victim or not self.rules.faults:
            return []
        return [Option(one, fault) for one in ready if one.may_fail for fault in self._faults(one)]

    def _faults(self, one: Planned) -> list[Fault]:
        assert one.step
        impossible = IMPOSSIBLE.get(one.step.port, ())
        if not one.step.is_write:
            impossible = (*impossible, *AS_BEFORE)
        if any(map(partial(_is_about_to_post, one), self._planned)):
            impossible = (*impossible, *FREEZES)
        if self._has_just_called(one.actor):  # a kill after that call was the same
            impossible = (*impossible, Fault.KILL_BEFORE)
        return [fault for fault in self.rules.faults if fault not in impossible]

    def _has_just_called(self, actor: Actor | None) -> bool:
        return actor is self._has_called

    def _take(self, option: Option) -> Actor | None:
        if self.rules.told:
            self.rules.told(self._words(option))
        self._has_called = None
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
        elif planned.may_fail:
            self._has_called = actor
        if planned.step:
            self._playing = actor
            self.change(planned.step, fault)
        return actor

    # --- the state ---

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
        if step.call in SENDS:
            return 0
        return self.rules.path.recall(partial(self.rules.contents.seen_by, step))

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


def _is_about_to_post(one: Planned, other: Planned) -> bool:
    """Whether another thread of a process has looked at the clock, and sends its request next."""
    if not (one.actor and other.actor and other.step and other.may_fail):
        return False
    return other.step.port == "receiver" and one.actor.context is other.actor.context


def _preempting(planned: Planned, preempts: bool) -> Option:  # noqa: FBT001
    return Option(planned, preempts=preempts)
