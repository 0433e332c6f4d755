"""The gate of a search: at each call a path decides who goes first, and what befalls the call."""

from collections.abc import Callable, Collection
from functools import partial
from typing import Any

from lakehook.domain.delivery import Lane
from tests.simulation.explore import ExplorationTimeline
from tests.simulation.faults import FREEZES, TROUBLES, Fault, Gate, Invocation, Killed, must_live
from tests.simulation.steps import Step

DELAYS = (Fault.DELAY_BEFORE, Fault.DELAY_AFTER)
LATE_SECONDS = 20.0  # longer than an attempt may take, shorter than a visibility timeout


class ExplorationGate(Gate):
    """Where calls of those tasks wait that are interleaved, and one fault befalls one of them."""

    timeline: ExplorationTimeline

    def call(
        self,
        call: str,
        effect: Callable[[], Any],
        trouble: Callable[[], Exception],
        about: Collection[object] = (),
    ) -> Any:
        invocation: Invocation | None = self.timeline.context
        step = Step.of(call, tuple(about) or _lanes_of(effect))
        effect = partial(self.timeline.learn, step, effect)
        if invocation is None:
            self.timeline.change(step)
            return effect()
        if invocation.is_dead:
            raise Killed
        fault = self.timeline.come_to(step)
        must_live(invocation)
        if fault is None:
            return effect()
        if fault is Fault.DELAY_BEFORE:
            effect = partial(self._arrive, step, effect)
        self.faults.injected[fault] += 1
        invocation.wrote_in_vain |= step.is_write and fault in TROUBLES
        self.faults.touched(invocation)
        return self._suffer(fault, effect, trouble, invocation)

    def _arrive(self, step: Step, effect: Callable[[], Any]) -> Any:
        """Arrive late, when others may be at work again."""
        self.timeline.take_turn(step)
        must_live(self.timeline.context)
        return effect()

    def _befall(self, fault: Fault, invocation: Invocation) -> None:
        if fault in FREEZES:
            invocation.is_zombie = True
            self.timeline.freeze(has_called=fault is Fault.FREEZE_AFTER)
        elif fault in DELAYS:
            self.timeline.sleep(LATE_SECONDS)
        else:
            invocation.is_dead = True
        must_live(invocation)


def _lanes_of(effect: Callable[[], Any]) -> tuple[object, ...]:
    """The lanes that a call is about, where its arguments tell."""
    if not isinstance(effect, partial):
        return ()
    arguments = (*effect.args, *effect.keywords.values())
    named = (getattr(argument, "lane", argument) for argument in arguments)
    return tuple({lane for lane in named if isinstance(lane, Lane)})
