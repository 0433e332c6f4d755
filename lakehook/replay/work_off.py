"""Work off: a tick's share of every open replay.

The replay's record moves on page by page. A tick that dies in between leaves deliveries that bear
the replay's id: the next one finds them lined up, and goes on behind.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from lakehook.domain.errors import ChangedMeanwhile
from lakehook.domain.replay import Replay, State
from lakehook.domain.subscription import Subscription
from lakehook.ports.clock import Clock
from lakehook.ports.replay import Past, Replays
from lakehook.ports.subscriptions import Subscriptions
from lakehook.ports.telemetry import Telemetry
from lakehook.replay.page import LineUpPage
from lakehook.replay.start import SETTLING_SECONDS

LASTS_SECONDS = 20.0  # of a tick; the next one goes on


@dataclass(frozen=True)
class WorkOffReplays:
    replays: Replays
    subscriptions: Subscriptions
    past: Past
    line_up: LineUpPage
    clock: Clock
    telemetry: Telemetry
    settling_seconds: float = SETTLING_SECONDS

    def __call__(self) -> int:
        """How many deliveries were lined up. One replay's trouble is not another's.

        Whichever is furthest behind its rate comes first.
        """
        ends_at = self.clock.now() + LASTS_SECONDS
        replays = sorted(self.replays.open(), key=lambda one: one.next_at)
        return sum(self._go_on(replay, ends_at) for replay in replays)

    def _go_on(self, replay: Replay, ends_at: float) -> int:
        latest = replay
        try:
            for saved in self._steps(replay, ends_at):
                latest = saved
        except ChangedMeanwhile:
            pass  # another tick has it, or it was stopped
        except Exception as error:  # noqa: BLE001  the other replays go on
            self.telemetry.trouble(error, doing="replay")
        return latest.sent - replay.sent

    def _steps(self, replay: Replay, ends_at: float) -> Iterator[Replay]:
        """The replay each time it was saved."""
        now, subscription = self.clock.now(), self._subscription(replay)
        if subscription is None:
            yield self._end(replay, State.STOPPED, reason="subscription_removed")
        elif subscription.is_pending or not replay.may_send(now):
            return
        elif replay.terms.until is None:  # it has just come to be in force
            yield self.replays.save(replay.reaching(now + self.settling_seconds))
        elif replay.terms.until <= now:
            yield from self._pages(replay, subscription, until=replay.terms.until, ends_at=ends_at)

    def _pages(
        self, replay: Replay, subscription: Subscription, *, until: float, ends_at: float
    ) -> Iterator[Replay]:
        """Saved before anything is done, so that no two ticks work side by side."""
        now = self.clock.now()
        yield (replay := self.replays.save(replay.claimed(now)))
        is_whole = True
        while is_whole and replay.may_send(now) and self.clock.now() < ends_at:
            page = self.past.page(since=replay.terms.since, until=until, after=replay.cursor)
            replay, is_whole = self.line_up(
                page.found, replay, subscription, sends_at=now, ends_at=ends_at
            )
            if is_whole and not page.cursor:
                yield self._end(replay, State.DONE)
                return
            cursor = page.cursor if is_whole else replay.cursor
            yield (replay := self.replays.save(replace(replay, cursor=cursor)))

    def _end(self, replay: Replay, state: State, *, reason: str = "") -> Replay:
        return self.replays.save(replay.ended(state, now=self.clock.now(), reason=reason))

    def _subscription(self, replay: Replay) -> Subscription | None:
        found = self.subscriptions.find(replay.subscription_id, anew=True)
        return found if found and found.removed_at is None else None
