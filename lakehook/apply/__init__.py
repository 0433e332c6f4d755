"""Apply: the subscriptions become what a file says; export: a file says what they are.

=================  ============================================================
manuscript.py      a file as it is written, with the line of everything
keys.py            the keys of an entry, and what they are in a subscription
readers.py         what a value may be; nothing secret stands in a file
entry_reader.py    one entry, with all that is wrong with it
reading.py         all entries
plan.py            what has to be done; pure
export.py          the way back
=================  ============================================================
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from lakehook.apply.entry import Entry
from lakehook.apply.keys import PAUSED
from lakehook.apply.manuscript import BadFile, Manuscript, Reveal
from lakehook.apply.plan import Action, Change, Plan, Step, planned
from lakehook.apply.reading import ReadEntries
from lakehook.discard import Discard
from lakehook.domain.errors import ChangedMeanwhile, StillWaiting
from lakehook.domain.signature import SigningKey
from lakehook.domain.subscription import Subscription
from lakehook.find_letters import Choice, FindLetters
from lakehook.look_up import LookUp
from lakehook.pause import Pause, Unpause
from lakehook.subscribe import Amend, Subscribe
from lakehook.unsubscribe import Unsubscribe

__all__ = ["Action", "Apply", "BadFile", "Change", "Done", "Manuscript", "Plan", "Reveal", "Step"]


class Verbs(Protocol):
    """What can be done to subscriptions one at a time; a desk has them all."""

    @property
    def look_up(self) -> LookUp: ...
    @property
    def subscribe(self) -> Subscribe: ...
    @property
    def amend(self) -> Amend: ...
    @property
    def pause(self) -> Pause: ...
    @property
    def unpause(self) -> Unpause: ...
    @property
    def unsubscribe(self) -> Unsubscribe: ...
    @property
    def find_letters(self) -> FindLetters: ...
    @property
    def discard(self) -> Discard: ...


@dataclass(frozen=True)
class Done:
    step: Step
    subscription: Subscription  # as it stands now
    secret: SigningKey | None = None  # of a new one: nobody can read it again


@dataclass(frozen=True)
class Apply:
    verbs: Verbs

    def plan(
        self,
        manuscript: Manuscript,
        reveal: Reveal,
        *,
        reseal: bool = False,
        prune: bool = False,
        discard_waiting: bool = False,
    ) -> Plan:
        """What has to be done: all of it is allowed, as far as can be known before it is done."""
        in_force = self.verbs.look_up.all()
        entries = ReadEntries(self.verbs.subscribe, reveal)(manuscript, in_force)
        plan = planned(entries, in_force, reseal=reseal, prune=prune)
        if not discard_waiting:
            self._refuse_waiting(plan)
        return plan

    def __call__(self, plan: Plan, *, discard_waiting: bool = False) -> Iterator[Done]:
        """Step by step, each told as soon as it is done.

        ``ChangedMeanwhile`` where somebody was quicker; what was done until then stands, and
        a new plan has the rest.
        """
        created: list[Subscription] = []
        for step in plan.steps:
            match step.action:
                case Action.CREATE:
                    done = self._create(step, _entry(step))
                    created.append(done.subscription)
                    yield done
                case Action.CHANGE:
                    yield Done(step, self._change(step, _entry(step)))
                case Action.REMOVE:
                    yield Done(step, self._remove(_existing(step), discard_waiting=discard_waiting))
        if created:
            self._take_back_twins(created)

    def _refuse_waiting(self, plan: Plan) -> None:
        going = [_existing(step) for step in plan.of(Action.REMOVE)]
        backlogs = ((one, self.verbs.unsubscribe.backlog(one)) for one in going)
        still = [f"{one.name} still has {backlog}" for one, backlog in backlogs if backlog]
        if still:
            raise StillWaiting("; ".join(still))

    def _create(self, step: Step, entry: Entry) -> Done:
        created, secret = self.verbs.subscribe(
            entry.new_terms, entry.wish, paused=entry.paused is True
        )
        return Done(step, created, None if entry.wish.brought is not None else secret)

    def _take_back_twins(self, created: Sequence[Subscription]) -> None:
        """Two runs at a time may have made the same: of a name the oldest stays."""
        oldest = {one.name: one for one in reversed(self.verbs.look_up.all())}
        twins = [one for one in created if oldest.get(one.name, one).id != one.id]
        for one in twins:
            self._remove(one, discard_waiting=True)
        if twins:
            names = ", ".join(one.name for one in twins)
            raise ChangedMeanwhile(
                f"{names}: somebody has made the same meanwhile, and it stays; ours is removed"
            )

    def _change(self, step: Step, entry: Entry) -> Subscription:
        """Paused first and resumed last: nothing goes out by half of the change."""
        subscription = _existing(step)
        fields = [change.field for change in step.changes]
        if PAUSED in fields and entry.paused:
            subscription = self.verbs.pause(subscription)
        if terms := [field for field in fields if field != PAUSED]:
            subscription = self.verbs.amend(subscription, entry.terms(terms))
        if PAUSED in fields and not entry.paused:
            subscription, _ = self.verbs.unpause(subscription)
        return subscription

    def _remove(self, subscription: Subscription, *, discard_waiting: bool) -> Subscription:
        tombstone, backlog = self.verbs.unsubscribe(subscription, discard_waiting=discard_waiting)
        if backlog.dead:
            self.verbs.discard(self.verbs.find_letters(Choice(subscription_id=tombstone.id)))
        return tombstone


def _entry(step: Step) -> Entry:
    assert step.entry is not None, "what is created or changed is in the file"
    return step.entry


def _existing(step: Step) -> Subscription:
    assert step.existing is not None, "what is changed or removed is there"
    return step.existing
