"""All histories of a small world, instead of some that a seed draws.

The method is stateless search of the shipped code. A history is a sequence of choices, and nothing
else decides: each history is played anew from its beginning, and a printed sequence replays it.
Whatever may come next is an option of a choice: the next call of a worker, of the scheduler or of
an operator's command, a poll, an acknowledgement, a fault at a call, an operator's action. The time
goes on when nothing is left to do at an instant.

Of orders that come to the same, one is played (``races.py``). What is no choice at all: whoever is
woken goes on to its next call before anybody else, and so does a frozen process from one call to
the next, where a world says so. What may begin at any time, a thaw or an operator's action, is an
option once at each instant: it comes to a call, which may be put off.

Two histories that reach the same state have the same future (``search.py``). A state is a hash of
three parts, and a future depends on nothing else:

- the content of all tables, queues and receivers, and all that the oracle will judge by: each
  lane's requests and records so far, in their order (``contents.py``);
- of each task that is under way, a hash of what it has come to know: its input, and for each of its
  calls the time and the answer. Code is deterministic, so equal hashes mean equal local variables.
  A write adds its place among the records of its lane, and a request among the requests, so the
  hash also says which of them are the task's own;
- what is planned, and for when.

How a state came about is no part of it. A task that has ended is known by what it has written.
Hashes have 61 bits: with a million states, one is mistaken for another once in some million
searches.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any

from tests.simulation.contents import Contents
from tests.simulation.dependence import (
    CONDITIONAL,
    OF_A_BEGINNING,
    RECEIVER,
    Touches,
    is_in_vain,
    touched_by,
    touched_by_the_platform,
)
from tests.simulation.faults import FREEZES, IMPOSSIBLE, Fault, Invocation
from tests.simulation.ports import TEAR_SECONDS
from tests.simulation.processes import Processes
from tests.simulation.search import NO_PROCESS, OPERATOR, Path, Pruned, Ready, Search
from tests.simulation.steps import Option, Planned, Step, Turn
from tests.simulation.timeline import Actor, Timeline, WakeUp, Work

KILLS = (Fault.KILL_BEFORE, Fault.KILL_AFTER)
AS_BEFORE = (Fault.KILL_AFTER, Fault.TROUBLE_AFTER)  # where the call writes nothing
FREE = ("tick", "unpause", "poll", "ack")  # it does the same, whoever has planned it
LOCK = "lock"
POST = "receiver.post"
BY_CONTENT = (POST, "subscriptions.all")  # whose answer is not all, or is not seen
OPEN_SECONDS = (0.0, TEAR_SECONDS)  # of a request, of a torn read: others may go on meanwhile


@dataclass
class Rules:
    """What a path decides by, and how the state of the world beside the tasks is seen."""

    path: Path
    faults: tuple[Fault, ...] = ()  # one of them, at one call
    interleaved: frozenset[str] = frozenset()  # functions; the calls of others are not waited at
    unwritten: frozenset[str] = frozenset()  # ports to which nobody writes
    contents: Contents | None = None  # none: nothing is hashed
    thaws_for_good: bool = False  # a frozen process that goes on is not interrupted
    acts_left: Callable[[], Sequence[str]] = list
    act: Callable[[str], None] = lambda _: None
    announce: Callable[[str], None] | None = None


class ExplorationTimeline(Timeline):
    """A timeline on which a path decides what comes next among all that may."""

    def __init__(self, start: float, random: Random) -> None:
        self._planned: list[Planned] = []
        self._frozen: list[Planned] = []
        self._offered: list[Option] = []  # at this instant, of what may begin once
        self._last: Actor | None = None  # who played last
        self._thawed: Invocation | None = None  # whose calls are not to be interrupted
        self._hash = 0  # of the action that is being done, where no actor plays
        self._hashes: dict[Actor, int] = {}
        self._steps: dict[Actor, Step] = {}
        self._fault: Fault | None = None
        self._has_called: Actor | None = None  # whose call came just now, and could have failed
        self.victim: Invocation | None = None  # of the one fault
        self._locks: dict[int, tuple[object, int]] = {}  # by process: who came to its lock
        self._numbers: dict[Actor, int] = {}
        self.rules = Rules(Path(Search()))
        self._processes = Processes(self.rules.path)
        super().__init__(start, random)

    def play_by(self, rules: Rules) -> None:
        self.rules = rules
        self._processes = Processes(rules.path)

    # --- what is planned ---

    def at(self, time: float, action: Work, *, about: str = "") -> object:
        origin = hash((about, 0 if about.startswith(FREE) else self._playing_hash()))
        process = self._processes.add()
        planned = Planned(max(time, self.time), origin, action, about, process=process)
        self._planned.append(planned)
        return planned

    def cancel(self, planned: object) -> None:
        if planned in self._planned:
            assert isinstance(planned, Planned)
            self._planned.remove(planned)
            if planned.time <= self.time:
                self._processes.make_needless(planned.process)

    def begin(self, work: Work, *, context: Any) -> None:
        actor = self._resting.pop() if self._resting else Actor(self)
        actor.work, actor.context = work, context
        self._numbers[actor] = self._processes.add()
        self._processes.group(context)
        parts = (context.function, context.received, context.groups, self.time)
        origin = 0 if context.received and self._playing is self._main else self._playing_hash()
        self._hashes[actor] = hash((parts, origin))
        self._advance(hash((self._playing_hash(), "has begun another")))
        self._steps.pop(actor, None)
        self._enter(self.time, WakeUp(actor, actor.waits))

    def wake(self, actor: Actor) -> None:
        self._hashes[actor] = hash((self._hashes.get(actor), self._playing_hash()))
        self._processes.wake(self._numbers[actor])
        super().wake(actor)

    def sleep(self, seconds: float) -> None:
        if self._playing is self._main or not self._is_interleaved(self._playing):
            super().sleep(seconds)
        elif seconds in OPEN_SECONDS:
            self._yield(self._steps[self._playing], may_fail=False)
        elif seconds > 0:
            until = self.time + seconds
            while self.time < until:
                self.wait(until)

    def reach(self, call: str, about: Collection[object] = ()) -> None:
        self.take_turn(Step.of(call, tuple(about)))

    def take_turn(self, step: Step) -> None:
        """Let others go first at a call that does not fail any more."""
        if self._playing is not self._main and self._is_interleaved(self._playing):
            self._yield(step, may_fail=False)

    def touch(self, call: str, about: Collection[object] = ()) -> None:
        step = Step.of(call, tuple(about))
        self.change(step)
        self._touch(step, is_write=step.is_write)

    def _enter(self, time: float, entry: Work | WakeUp) -> None:
        assert isinstance(entry, WakeUp)
        self._planned.append(self._turn(entry.actor, None, time=time, wait=entry.wait))

    def _is_quiet_until(self, time: float) -> bool:
        return False

    def _is_interleaved(self, actor: Actor) -> bool:
        context: Invocation | None = actor.context
        return context is not None and context.function in self.rules.interleaved

    # --- calls ---

    def come_to(self, step: Step) -> Fault | None:
        """Let a path decide who goes first, and return the fault that befalls the call."""
        if not self._is_interleaved(self._playing):
            self.change(step)
            return None
        self._yield(step, may_fail=True)
        return self._fault

    def freeze(self, *, has_called: bool) -> None:
        """Wait until the path thaws this actor, at this instant or at any later one."""
        actor = self._playing
        self._frozen.append(self._turn(actor, None if has_called else self._steps[actor]))
        self._go_on(actor)

    def _yield(self, step: Step, *, may_fail: bool) -> None:
        actor = self._playing
        self._steps[actor] = step
        self._planned.append(self._turn(actor, step, may_fail=may_fail))
        self._go_on(actor)

    def _turn(
        self,
        actor: Actor,
        step: Step | None,
        *,
        may_fail: bool = False,
        time: float | None = None,
        wait: int | None = None,
    ) -> Planned:
        return Planned(
            self.time if time is None else time,
            self._hashes.get(actor, 0),
            step=step,
            may_fail=may_fail,
            actor=actor,
            wait=actor.waits if wait is None else wait,
            process=self._numbers.get(actor, 0),
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
        self._planned = [planned for planned in self._planned if not planned.is_stale]
        ready = [planned for planned in self._awake() if planned.time <= self.time]
        if going_on := next(filter(self._goes_on, ready), None):
            self._processes.go_on(going_on.process, self._touched_by(going_on))
            return Option(going_on)
        if turn := self.rules.path.repeat():
            return self._begin(self._repeat(turn))
        options = self._options(ready)
        if not options:
            return None
        turns = [self._to_turn(number, option) for number, option in enumerate(options)]
        processes = [self._process_of(option) for option in options]
        names = {planned.process: planned.name for planned in ready}
        known = Ready(processes, names, self._processes.causes)
        return self._begin(options[self.rules.path.choose(turns, known, self._state)])

    def _goes_on(self, planned: Planned) -> bool:
        """Whether something is no choice, but part of the event that led to it."""
        actor = planned.actor
        if actor is None or not self._is_interleaved(actor):
            return False
        if planned.step is None or actor.context is self._thawed:
            return True
        is_apart = actor is self._last and planned.step.port in self.rules.unwritten
        return is_apart and not (planned.may_fail and self._faults(planned))

    def _options(self, ready: Sequence[Planned]) -> list[Option]:
        """Options without a fault, whoever played last comes first; faults; what may begin."""
        self._thawed = None
        beginnings = self._beginnings()
        self._offered += beginnings
        last_first = sorted(ready, key=lambda planned: planned.actor is not self._last)
        options = [*map(Option, last_first)]
        if not ready:
            options = [Option()] if self._awake() else [*map(Option, self._frozen)]
        if not self.victim:
            options += [Option(planned, f) for planned in last_first for f in self._faults(planned)]
        options += [option for option in beginnings if option not in options]
        may_never_act = all(option.act for option in options)
        return [Option(), *options] if options and may_never_act else options

    def _is_end(self, option: Option) -> bool:
        """Whether nothing comes any more, and an operator does not act."""
        return not (option.planned or option.act or self._awake() or self._frozen)

    def _process_of(self, option: Option) -> int:
        if option.planned is None or option.planned in self._frozen:
            return NO_PROCESS
        return option.planned.process

    def _to_turn(self, number: int, option: Option) -> Turn:
        place, planned = -1, 0
        if option.planned:
            place = [*self._planned, *self._frozen].index(option.planned)
            planned = option.planned.hash
        return Turn(number, place, planned, option.fault, option.act)

    def _repeat(self, turn: Turn) -> Option:
        self._thawed = None
        self._offered += self._beginnings()
        planned = [*self._planned, *self._frozen][turn.place] if turn.place >= 0 else None
        assert not planned or planned.hash == turn.planned, "a repeated history went another way"
        return Option(planned, turn.fault, turn.act)

    def _awake(self) -> list[Planned]:
        """What may come next; a process is frozen as a whole."""
        if not self._frozen:
            return self._planned
        frozen = self._frozen[0].actor
        assert frozen
        return [
            planned
            for planned in self._planned
            if not planned.actor or planned.actor.context is not frozen.context
        ]

    def _beginnings(self) -> list[Option]:
        """What may begin at any choice: a thaw, an operator's action; once at each instant."""
        options = [*map(Option, self._frozen), *(Option(act=act) for act in self.rules.acts_left())]
        return [option for option in options if option not in self._offered]

    def _faults(self, planned: Planned) -> list[Fault]:
        if self.victim or not planned.may_fail:
            return []
        assert planned.step
        impossible = IMPOSSIBLE.get(planned.step.port, ())
        if not planned.step.is_write:
            impossible = (*impossible, *AS_BEFORE)
        if any(map(partial(_is_at_a_request, planned), self._planned)):
            impossible = (*impossible, *FREEZES)
        if planned.actor is self._has_called:  # a kill after that call was the same
            impossible = (*impossible, Fault.KILL_BEFORE)
        return [fault for fault in self.rules.faults if fault not in impossible]

    # --- what a choice leads to ---

    def _begin(self, option: Option) -> Option:
        """Begin the event of an option."""
        if self.rules.announce:
            self.rules.announce(self._words(option))
        planned = option.planned
        is_barrier = not (planned or option.act)
        process = planned.process if planned else NO_PROCESS if is_barrier else OPERATOR
        touched = self._touched_by(planned) if planned else OF_A_BEGINNING
        self._processes.begin(process, touched, is_barrier=is_barrier)
        if self.rules.thaws_for_good and planned and planned.actor and planned.step:
            context = planned.actor.context
            self._thawed = context if context.is_zombie else None
        return option

    def _touched_by(self, planned: Planned) -> Touches:
        """What an event touches before any call: its process, which a fault may end."""
        actor = planned.actor
        if actor is None:
            return touched_by_the_platform(planned.about, planned.process)
        faults = () if self.victim or not planned.may_fail else self.rules.faults
        may_end = not {*KILLS, *FREEZES}.isdisjoint(faults)
        process = ("process", self._processes.group(actor.context))
        return frozenset([(process, may_end or planned in self._frozen)])

    def _touch(self, step: Step, *, is_write: bool) -> None:
        if step.port in self.rules.unwritten:
            return
        context, process = self.context, self._numbers.get(self._playing, 0)
        if step.port == LOCK:
            lock = (LOCK, self._processes.group(context))
            self._processes.touch([(lock, True)])
            return
        function = context.function if context else ""
        self._processes.touch(touched_by(step, function, process, is_write=is_write))
        if step.call == POST:
            assert self.rules.contents
            self._processes.touch([(RECEIVER, self.rules.contents.has_script())])

    def _take(self, option: Option) -> Actor | None:
        self._has_called = None
        if option.act:
            self._playing, self._hash = self._main, hash(("act", option.act, self.time))
            self.rules.act(option.act)
            return None
        if option.planned is None:
            self.time = min(planned.time for planned in self._awake())
            self._offered.clear()
            return None
        if option.planned in self._frozen:
            self._frozen.remove(option.planned)
            self._planned.append(option.planned)
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
        """Take a call into the hash of who plays, and what it depends on beside its answer."""
        unwritten = step.port in self.rules.unwritten and step.port != LOCK
        assert not (unwritten and step.is_write), f"{step.call} writes"
        known = self._learned(step)
        self._advance(hash((self._playing_hash(), step.call, self.time, fault, known)))
        if step.port == LOCK:
            self._locks[id(self.context)] = self.context, self._playing_hash()

    def _learned(self, step: Step) -> int:
        if step.port == LOCK:
            return self._locks.get(id(self.context), (None, 0))[1]
        if step.call not in BY_CONTENT:
            return 0
        assert self.rules.contents
        return self.rules.path.recall(partial(self.rules.contents.seen_by, step))

    def learn(self, step: Step, effect: Callable[[], Any]) -> Any:
        """Do what a call does, and take its answer into the hash of who plays."""
        contents = self.rules.contents
        assert contents
        is_conditional = step.is_write and step.call in CONDITIONAL
        self._touch(step, is_write=step.is_write and not is_conditional)
        number, error = contents.number_of(step), None
        try:
            answer = effect()
        except Exception as failure:  # noqa: BLE001  raised again
            answer = error = failure
        if step.is_write and not is_in_vain(step, answer):
            self._touch(step, is_write=True)
        known = self.rules.path.recall(partial(contents.learned, step, number, answer))
        self._advance(hash((self._playing_hash(), self.time, known)))
        if error:
            raise error
        return answer

    def _state(self) -> int:
        contents = self.rules.contents
        assert contents
        tasks = sum(
            hash((self._hashes[actor], task.is_dead, task.is_zombie, task.wrote_in_vain))
            for actor in self.actors
            if actor.work is not None and (task := actor.context)
        )
        planned = sum(hash((plan.time, plan.hash, plan.about)) for plan in self._planned)
        beginnings = tuple(option.act for option in self._beginnings())
        left = (len(self._frozen), beginnings, len(self.rules.acts_left()))
        return hash((self.time, tasks, planned, left, contents.all()))

    def _words(self, option: Option) -> str:
        if option.planned is None:
            return (option.act and f"an operator begins: {option.act}") or "time goes on"
        actor, step = option.planned.actor, option.planned.step
        who = actor.context.function if actor else "the platform"
        what = step.call if step else option.planned.about or "goes on"
        return f"{who}: {what}" + (f" ({option.fault})" if option.fault else "")


def _is_at_a_request(planned: Planned, sibling: Planned) -> bool:
    """Whether another thread of a process sends a request next, or waits for its answer.

    It has looked at the clock; and Lambda does not thaw what it has given up.
    """
    if not (planned.actor and sibling.actor and sibling.step):
        return False
    return sibling.step.port == "receiver" and planned.actor.context is sibling.actor.context
