"""Start: a replay is counted and written down; the clock does the rest."""

from dataclasses import dataclass, replace

from lakehook.domain.duration import in_words
from lakehook.domain.errors import BadInput, ChangedMeanwhile
from lakehook.domain.replay import BEGINNING, Replay, Terms, Wanted, Wish
from lakehook.domain.rfc_3339 import rfc_3339
from lakehook.domain.subscription import Subscription
from lakehook.ports.clock import Clock, Dice
from lakehook.ports.endpoints import Warn
from lakehook.ports.replay import Replays
from lakehook.replay.count import CountReplay, Told

SETTLING_SECONDS = 60.0
"""Of a new subscription: a fan-out that has not seen it ends within 30 s, and clocks differ."""


@dataclass(frozen=True)
class Started:
    replay: Replay
    attached: bool = False  # it was open already


@dataclass(frozen=True)
class StartReplay:
    replays: Replays
    count: CountReplay
    clock: Clock
    dice: Dice
    warn: Warn
    journal_keeps_seconds: float
    settling_seconds: float = SETTLING_SECONDS

    def terms(self, wish: Wish, subscription: Subscription | None = None) -> Terms:
        """``BadInput`` names what is not allowed; what is, and is in vain, is warned of."""
        now = self.clock.now()
        terms = Terms.of(wish, now=now)
        for name in terms.event_types:
            if subscription and not subscription.wants(name):
                self.warn(f"event type: {subscription.name} does not want {name}, so none is sent")
        if wish.since != BEGINNING and terms.since < now - self.journal_keeps_seconds:
            self.warn(
                f"since: {wish.since}: events are kept for {in_words(self.journal_keeps_seconds)};"
                " what is older is not sent"
            )
        return terms

    def __call__(
        self,
        subscription: Subscription,
        terms: Terms,
        *,
        counted: bool = True,
        told: Told = lambda _: None,
    ) -> Started:
        """One replay a subscription: asked for once more it is the one that is open.

        To count takes as long as the journal is long: not all who ask can wait.
        """
        if open_ := self._open(subscription):
            return _attached(open_, terms)
        matched = self.count(terms, subscription, told=told).deliveries if counted else None
        replay = replace(self._new(subscription, terms), matched=matched)
        try:
            return Started(self.replays.save(replay))
        except ChangedMeanwhile:
            if open_ := self._open(subscription):
                return _attached(open_, terms)
            raise

    def for_new(self, subscription: Subscription, terms: Terms) -> Started:
        """What a new subscription has missed: all that was accepted before it was in force.

        An event may be accepted while some fan-out does not know it yet. So the replay waits until
        all know it, and takes what has no record then: nothing is lost, and nothing sent twice.
        It is not counted: whoever subscribes waits for a secret.
        """
        now = self.clock.now()
        until = None if subscription.is_pending else now + self.settling_seconds
        missed = replace(terms, until=until, status=Wanted.MISSING)
        return Started(self.replays.save(self._new(subscription, missed)))

    def _new(self, subscription: Subscription, terms: Terms) -> Replay:
        return Replay(
            id=f"rpl_{self.dice.token()}",
            subscription_id=subscription.id,
            terms=terms,
            started_at=self.clock.now(),
        )

    def _open(self, subscription: Subscription) -> Replay | None:
        found = (one for one in self.replays.open() if one.subscription_id == subscription.id)
        return next(found, None)


def _attached(replay: Replay, terms: Terms) -> Started:
    if not replay.terms.are_those_of(terms):
        raise BadInput(
            f"{replay.subscription_id}: another replay is open, {replay.id}, since"
            f" {rfc_3339(replay.terms.since)}; wait for it, or: lakehook replays stop {replay.id}"
        )
    return Started(replay, attached=True)
