"""Replays by their ids: how far each has come; follow one, stop one."""

from collections.abc import Callable
from dataclasses import dataclass

from lakehook.domain.errors import ChangedMeanwhile, NotFound
from lakehook.domain.replay import Replay, State
from lakehook.ports.clock import Clock
from lakehook.ports.replay import Replays

LOOK_SECONDS = 1.0
MOST_TRIES = 5  # against a clock that writes it too


@dataclass(frozen=True)
class LookUpReplays:
    replays: Replays

    def __call__(self, replay_id: str) -> Replay:
        for one in self.all():
            if one.id == replay_id:
                return one
        raise NotFound(f"no replay has the id {replay_id[:60]!a}")

    def all(self) -> list[Replay]:
        """The last started first."""
        found = {one.id: one for one in (*self.replays.open(), *self.replays.ended())}
        return sorted(found.values(), key=lambda one: -one.started_at)


@dataclass(frozen=True)
class FollowReplay:
    look_up: LookUpReplays
    clock: Clock

    def __call__(self, replay: Replay, *, sent: Callable[[int], None] = lambda _: None) -> Replay:
        """The replay when it has ended; ``sent`` is told how many more were lined up."""
        sent(replay.sent)
        while replay.is_open:
            self.clock.sleep(LOOK_SECONDS)
            before, replay = replay, self.look_up(replay.id)
            sent(replay.sent - before.sent)
        return replay


@dataclass(frozen=True)
class StopReplay:
    look_up: LookUpReplays
    clock: Clock

    def __call__(self, replay_id: str) -> Replay:
        """What it has lined up goes out; nothing is added. One that has ended stays as it is."""
        for _ in range(MOST_TRIES):
            replay = self.look_up(replay_id)
            if not replay.is_open:
                return replay
            stopped = replay.ended(State.STOPPED, now=self.clock.now(), reason="by an operator")
            try:
                return self.look_up.replays.save(stopped)
            except ChangedMeanwhile:
                continue
        raise ChangedMeanwhile(f"{replay_id} is at work; try again")
