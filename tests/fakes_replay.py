"""Fakes of the ports that replaying needs, which pass the contract suite of the real adapters."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from lakehook.domain.errors import Conflict
from lakehook.domain.replay import Replay


@dataclass
class FakeReplayStore:
    by_subscription: dict[str, Replay] = field(default_factory=dict)
    over: list[Replay] = field(default_factory=list)

    def list_open(self) -> Sequence[Replay]:
        return list(self.by_subscription.values())

    def list_finished(self) -> Sequence[Replay]:
        return list(self.over)

    def save(self, replay: Replay) -> Replay:
        stored = self.by_subscription.get(replay.subscription_id)
        was_read = (replay.id, replay.version) if replay.version else None
        if (stored and (stored.id, stored.version)) != was_read:
            raise Conflict(replay.id)
        saved = replace(replay, version=replay.version + 1)
        self.by_subscription[replay.subscription_id] = saved
        if not saved.is_open:
            self.over.append(self.by_subscription.pop(replay.subscription_id))
        return saved
