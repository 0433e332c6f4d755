"""Stand-ins for what replaying needs. Each passes the contract suite beside the real adapter."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from lakehook.domain.errors import Conflict
from lakehook.domain.replay import Replay
from lakehook.ports.stores import AcceptedEvent, JournalEntry, JournalPage
from tests.fakes import FakeJournal


@dataclass
class FakeReplays:
    by_subscription: dict[str, Replay] = field(default_factory=dict)
    over: list[Replay] = field(default_factory=list)

    def list_open(self) -> Sequence[Replay]:
        return list(self.by_subscription.values())

    def list_finished(self) -> Sequence[Replay]:
        return list(self.over)

    def save(self, replay: Replay) -> Replay:
        known = self.by_subscription.get(replay.subscription_id)
        was_read = (replay.id, replay.version) if replay.version else None
        if (known and (known.id, known.version)) != was_read:
            raise Conflict(replay.id)
        saved = replace(replay, version=replay.version + 1)
        self.by_subscription[replay.subscription_id] = saved
        if not saved.is_open:
            self.over.append(self.by_subscription.pop(replay.subscription_id))
        return saved


@dataclass
class FakePast:
    journal: FakeJournal
    events_a_page: int = 500

    def page(self, *, since: float, until: float, after: str) -> JournalPage:
        keys = sorted(self.journal.accepted_events)
        page = [key for key in keys if _cursor(key) > after][: self.events_a_page]
        found = [
            JournalEntry(self._accepted(key), _cursor(key))
            for key in page
            if since <= self.journal.accepted[key] <= until
        ]
        is_last = not page or page[-1] == keys[-1]
        return JournalPage(found, "" if is_last else _cursor(page[-1]), len(page))

    def _accepted(self, key: tuple[str, str]) -> AcceptedEvent:
        return AcceptedEvent(self.journal.accepted_events[key], self.journal.accepted[key])


def _cursor(key: tuple[str, str]) -> str:
    return "\0".join(key)
