"""Stand-ins for what replaying needs. Each passes the contract suite beside the real adapter."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from lakehook.domain.errors import Conflict, LaneConflict
from lakehook.domain.lane import DeliveryRecord, HeldLane
from lakehook.domain.replay import Replay
from lakehook.ports.stores import AcceptedEvent, JournalEntry, JournalPage, Requeued
from tests.fakes import FakeJournal, FakeLedger


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


@dataclass
class FakeRevival:
    ledger: FakeLedger
    wrote: Callable[[DeliveryRecord], None] = lambda _: None
    most: int = 90

    def requeue(
        self, requeued: Sequence[Requeued], *, before: HeldLane | None, after: HeldLane
    ) -> None:
        assert 0 < len(requeued) <= self.most
        ledger = self.ledger
        ledger._must_be(after.lane, before)
        for one in requeued:
            known = ledger.records.get((after.lane, one.record.sequence))
            if _stands(known) != _stands(one.previous):
                raise LaneConflict(f"{after.lane}#{one.record.sequence} is {known}")
        ledger._put(after.lane, after)
        for one in requeued:
            self.wrote(ledger.keep(one.record))
        ledger.writes += 1


def _stands(record: DeliveryRecord | None) -> object:
    return record and (record.version, record.status)
