"""Simulated time: tasks that take turns, strictly one at a time, in an order the seed decides.

A task is a greenlet, so that shipped code may wait in the midst of a call. Whoever waits finds out
what comes next and switches to it directly; no scheduler of the operating system has a say.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from heapq import heappop, heappush
from math import inf
from random import Random
from typing import Any

from greenlet import GreenletExit, getcurrent, greenlet

Work = Callable[[], None]


class Actor:
    """Greenlet that plays one task after another, whenever it is its turn."""

    def __init__(self, timeline: "Timeline", *, itself: greenlet | None = None) -> None:
        self.itself = itself or greenlet(self._live)
        self.work: Work | None = None
        self.context: Any = None
        self.waits = 0  # a wake-up for an earlier wait comes too late
        self._timeline = timeline
        timeline.actors.append(self)

    def _live(self) -> None:
        while self.work:
            self._timeline.play(self.work)
            self.work, self.context = None, None
            self._timeline.rest(self)


@dataclass(slots=True)
class WakeUp:
    actor: Actor
    wait: int


class Over(GreenletExit):
    """The history was given up in the midst of a task."""


class Timeline:
    """``run`` returns when nothing is left to happen, or raises what a task could not bear."""

    def __init__(self, start: float, random: Random) -> None:
        self.time = start
        self._random = random
        self._agenda: list[tuple[float, float, int, Work | WakeUp]] = []
        self._entries = 0
        self.actors: list[Actor] = []
        self._resting: list[Actor] = []
        self._is_over = False
        self._main = Actor(self, itself=getcurrent())
        self._playing = self._main
        self._failure: BaseException | None = None

    # --- a clock, as the port wants it ---

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        until = self.time + seconds
        if self._playing is self._main or self._is_quiet_until(until):
            self.time = max(self.time, until)
            return
        while self.time < until:  # an early wake-up has to wait again
            self.wait(until)

    # --- what happens when ---

    @property
    def context(self) -> Any:
        """Return the context that the running task was begun with."""
        return self._playing.context

    def at(self, time: float, action: Work, *, about: str = "") -> object:
        """Do something short, that never waits, at a time to come.

        ``about`` is the part of the world that it changes, for a search; empty: any.
        """
        self._enter(max(time, self.time), action)
        return None

    def cancel(self, planned: object) -> None:
        """Cancel what ``at`` has returned; a search has less to do."""

    def reach(self, call: str, about: Collection[object] = ()) -> None:
        """Come to a call of something shared: where a search lets others go first."""

    def touch(self, call: str, about: Collection[object] = ()) -> None:
        """Change something shared without a wait, for a search to know."""

    def begin(self, work: Work, *, context: Any) -> None:
        """Begin a task: work that may wait."""
        actor = self._resting.pop() if self._resting else Actor(self)
        actor.work, actor.context = work, context
        self._enter(self.time, WakeUp(actor, actor.waits))

    def wait(self, until: float = inf) -> None:
        """Let others go on until the time has come, or ``wake`` is called for this actor."""
        actor = self._playing
        if until < inf:
            self._enter(until, WakeUp(actor, actor.waits))
        self._go_on(actor)

    def current_actor(self) -> Actor:
        return self._playing

    def wake(self, actor: Actor) -> None:
        self._enter(self.time, WakeUp(actor, actor.waits))

    def run(self) -> None:
        """Play all there is."""
        self._go_on(self._main)
        if self._failure:
            raise self._failure

    def close(self) -> None:
        """Let every task come to its end, also in its midst."""
        self._is_over = True
        for actor in self.actors:
            if actor is not self._main:
                actor.itself.parent = self._main.itself
                actor.itself.throw(Over)

    # --- turns ---

    def play(self, work: Work) -> None:
        try:
            work()
        except BaseException as failure:  # noqa: BLE001  the main thread raises it
            self._failure = self._failure or failure

    def rest(self, actor: Actor) -> None:
        if self._is_over:
            return
        self._resting.append(actor)
        self._go_on(actor)
        while not (actor.work or self._is_over):  # a wake-up for an earlier wait
            self._go_on(actor)

    def _go_on(self, actor: Actor) -> None:
        if self._is_over:
            raise Over
        following = self._next()
        following.waits += 1
        self._playing = following
        if following is not actor:
            following.itself.switch()  # and then somebody has switched back

    def _next(self) -> Actor:
        while self._agenda and not self._failure:
            time, _, _, entry = heappop(self._agenda)
            if isinstance(entry, WakeUp):
                if entry.wait == entry.actor.waits:
                    self.time = time
                    return entry.actor
            else:
                self.time, self._playing = time, self._main  # it is no part of any task
                self.play(entry)
        return self._main

    def _enter(self, time: float, entry: Work | WakeUp) -> None:
        self._entries += 1
        heappush(self._agenda, (time, self._random.random(), self._entries, entry))

    def _is_quiet_until(self, time: float) -> bool:
        return not self._agenda or self._agenda[0][0] > time
