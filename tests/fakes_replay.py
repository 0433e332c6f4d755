"""Stand-ins for what replaying needs. Each passes the contract suite beside the real adapter."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from lakehook.domain.errors import ChangedMeanwhile, LaneMoved
from lakehook.domain.lane import DeliveryRecord, HeldLane
from lakehook.domain.replay import Replay
from lakehook.ports.history import Accepted
from lakehook.ports.replay import Found, PastPage, Revived
from tests.fakes import FakeJournal, FakeLedger


@dataclass
class FakeReplays:
    by_subscription: dict[str, Replay] = field(default_factory=dict)
    over: list[Replay] = field(default_factory=list)

    def open(self) -> Sequence[Replay]:
        return list(self.by_subscription.values())

    def ended(self) -> Sequence[Replay]:
        return list(self.over)

    def save(self, replay: Replay) -> Replay:
        known = self.by_subscription.get(replay.subscription_id)
        was_read = (replay.id, replay.version) if replay.version else None
        if (known and (known.id, known.version)) != was_read:
            raise ChangedMeanwhile(replay.id)
        saved = replace(replay, version=replay.version + 1)
        self.by_subscription[replay.subscription_id] = saved
        if not saved.is_open:
            self.over.append(self.by_subscription.pop(replay.subscription_id))
        return saved


@dataclass
class FakePast:
    journal: FakeJournal
    events_a_page: int = 500

    def page(self, *, since: float, until: float, after: str) -> PastPage:
        keys = sorted(self.journal.events)
        page = [key for key in keys if _cursor(key) > after][: self.events_a_page]
        found = [
            Found(self._accepted(key), _cursor(key))
            for key in page
            if since <= self.journal.accepted[key] <= until
        ]
        is_last = not page or page[-1] == keys[-1]
        return PastPage(found, "" if is_last else _cursor(page[-1]), len(page))

    def _accepted(self, key: tuple[str, str]) -> Accepted:
        return Accepted(self.journal.events[key], self.journal.accepted[key])


def _cursor(key: tuple[str, str]) -> str:
    return "\0".join(key)


@dataclass
class FakeRevival:
    ledger: FakeLedger
    wrote: Callable[[DeliveryRecord], None] = lambda _: None
    most: int = 90

    def revive(
        self, revived: Sequence[Revived], *, before: HeldLane | None, after: HeldLane
    ) -> None:
        assert 0 < len(revived) <= self.most
        ledger = self.ledger
        ledger._must_be(after.lane, before)
        for one in revived:
            known = ledger.records.get((after.lane, one.record.sequence))
            if _stands(known) != _stands(one.was):
                raise LaneMoved(f"{after.lane}#{one.record.sequence} is {known}")
        ledger._put(after.lane, after)
        for one in revived:
            self.wrote(ledger.keep(one.record))
        ledger.writes += 1


def _stands(record: DeliveryRecord | None) -> object:
    return record and (record.version, record.status)
