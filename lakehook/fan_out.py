"""Fan-out: an event in, one delivery per interested subscription out."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from lakehook.domain.channels import channel_of
from lakehook.domain.delivery import Delivery, Lane, NumberedEvent
from lakehook.domain.errors import BadEvent, OwnTrouble
from lakehook.domain.event import Event
from lakehook.domain.subscription import Subscription
from lakehook.ports import Journal, Notice, Outbox, Siding, Subscriptions, Telemetry


@dataclass(frozen=True)
class FanOut:
    journal: Journal
    subscriptions: Subscriptions
    outbox: Outbox
    siding: Siding
    telemetry: Telemetry

    def __call__(self, batch: Sequence[Notice]) -> list[Notice]:
        """Fan a batch out, and return the notices that must come again.

        A pipeline's event is numbered only after the one before it has been sent whole, so the
        batch is worked off in rounds: the first event of each pipeline, then the second. What
        follows a failure in its group comes again with it.
        """
        subscriptions = [s for s in self.subscriptions.all() if s.removed_at is None]
        failed: list[Notice] = []
        stopped: set[str] = set()
        for notices in _rounds(batch):
            going = [notice for notice in notices if notice.group not in stopped]
            again = self._fan_out(going, subscriptions)
            failed += [n for n in notices if n.group in stopped or n in again]
            stopped |= {notice.group for notice in again}
        return failed

    def _fan_out(
        self, notices: Sequence[Notice], subscriptions: Sequence[Subscription]
    ) -> list[Notice]:
        again: list[Notice] = []
        deliveries: dict[Notice, list[Delivery]] = {}
        for notice in notices:
            try:
                deliveries[notice] = self._accept(notice, subscriptions)
            except Exception as error:  # noqa: BLE001  one event's trouble stops its group alone
                self.telemetry.trouble(error, doing="fan out")
                again.append(notice)
        unsent = self._send([one for several in deliveries.values() for one in several])
        again += [
            notice
            for notice, several in deliveries.items()
            if any(delivery.id in unsent for delivery in several)
        ]
        return again

    def _send(self, deliveries: Sequence[Delivery]) -> Collection[str]:
        try:
            return self.outbox.send(deliveries)
        except OwnTrouble as error:
            self.telemetry.trouble(error, doing="send deliveries")
            return {delivery.id for delivery in deliveries}

    def _accept(self, notice: Notice, subscriptions: Sequence[Subscription]) -> list[Delivery]:
        try:
            event = Event.from_message(notice.body, group=notice.group)
        except BadEvent as error:
            self.siding.park(notice, str(error))
            self.telemetry.parked(notice.id, notice.group, str(error))
            return []
        return self._number(event, subscriptions)

    def _number(self, event: Event, subscriptions: Sequence[Subscription]) -> list[Delivery]:
        pipeline, known = self.journal.open(event)
        if known and not pipeline.may_be_half_sent(known):
            self.telemetry.fanned_out(known, deliveries=0, repeated=True)
            return []
        numbered = known or pipeline.next(event)
        if not known:
            self.journal.append(pipeline, numbered)
        deliveries = _deliveries(numbered, subscriptions)
        self.telemetry.fanned_out(numbered, deliveries=len(deliveries), repeated=bool(known))
        return deliveries


def _rounds(batch: Sequence[Notice]) -> Iterator[list[Notice]]:
    groups: dict[str, list[Notice]] = defaultdict(list)
    for notice in batch:
        groups[notice.group].append(notice)
    for turn in range(max(map(len, groups.values()), default=0)):
        yield [notices[turn] for notices in groups.values() if turn < len(notices)]


def _deliveries(numbered: NumberedEvent, subscriptions: Sequence[Subscription]) -> list[Delivery]:
    event = numbered.event
    return [
        Delivery(Lane(subscription.id, event.pipeline_id), numbered)
        for subscription in subscriptions
        if subscription.receives(event.type) and channel_of(subscription).silence(event) is None
    ]
