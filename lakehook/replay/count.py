"""Count: how much a replay would send, before it sends anything. Nothing is written."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from lakehook.domain.delivery import Delivery
from lakehook.domain.lane import Status
from lakehook.domain.replay import Terms
from lakehook.domain.subscription import Subscription
from lakehook.ports.clock import Clock
from lakehook.ports.ledger import Ledger
from lakehook.ports.replay import Past
from lakehook.replay.choose import chosen

RECORDS_AT_A_TIME = 50

Told = Callable[[int], None]
"""How many more items of the journal have been read."""


@dataclass(frozen=True, kw_only=True)
class Tally:
    deliveries: int
    pipelines: int
    waiting: int  # that wait anyway, and are let be
    by_type: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class CountReplay:
    past: Past
    ledger: Ledger
    clock: Clock

    def __call__(
        self, terms: Terms, subscription: Subscription, *, told: Told = lambda _: None
    ) -> Tally:
        """All of the journal is read for it, and the record of each delivery that is meant."""
        types: Counter[str] = Counter()
        pipelines, waiting = set(), 0
        for deliveries in self._chosen(terms, subscription, told):
            records = self.ledger.read(deliveries, ()).records
            for one in deliveries:
                record = records.get((one.lane, one.sequence))
                waiting += record is not None and record.status is Status.WAITING
                if terms.status.takes(record):
                    types[one.event.type] += 1
                    pipelines.add(one.lane.pipeline_key)
        return Tally(
            deliveries=types.total(), pipelines=len(pipelines), waiting=waiting, by_type=types
        )

    def _chosen(
        self, terms: Terms, subscription: Subscription, told: Told
    ) -> Iterator[Sequence[Delivery]]:
        until = self.clock.now() if terms.until is None else terms.until
        cursor = ""
        while True:
            page = self.past.page(since=terms.since, until=until, after=cursor)
            told(page.read)
            deliveries = chosen((one.accepted for one in page.found), terms, subscription)
            for start in range(0, len(deliveries), RECORDS_AT_A_TIME):
                yield deliveries[start : start + RECORDS_AT_A_TIME]
            cursor = page.cursor
            if not cursor:
                return
