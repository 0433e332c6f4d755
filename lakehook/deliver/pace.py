"""The pace of a subscription that has a rate: no attempt goes out before its place has come.

Places are given a little ahead, one spacing after the other. A lane that has one waits for it and
goes; one for which all places that may be given are taken sleeps in the ledger, and spends no
attempt. Whoever has gone, and needs no other place, rouses the next: so the places are always
taken, by those that have waited longest, and nothing is done for those that only wait.
"""

from lakehook.deliver.crew import Crew
from lakehook.deliver.hold import Hold
from lakehook.deliver.rouse import Rouse
from lakehook.deliver.stop import LONGEST_WAIT_IN_QUEUE_SECONDS, Stop, in_queue_or_ledger
from lakehook.domain.channels import rate_of
from lakehook.domain.disposition import Done
from lakehook.domain.lane import LOOK_AGAIN_SECONDS, DeliveryRecord, HeldLane, SuspendedReason
from lakehook.domain.rate import Rate
from lakehook.domain.subscription import Subscription

AHEAD_SECONDS = 30.0
SLACK_SECONDS = 5.0  # there is always one place to be had, however far from one to the next
SHORTEST_WAIT_SECONDS = 1.0  # SQS counts whole seconds; less is waited out here
MOST_ROUSED = 10


class Pace:
    def __init__(self, crew: Crew, hold: Hold) -> None:
        self._crew, self._hold = crew, hold
        self._gone: tuple[Subscription, Rate] | None = None
        self._free_at = 0.0  # the next place that nobody has

    def hold_back(self, record: DeliveryRecord, subscription: Subscription) -> Stop:
        """None when the attempt may go now; else what becomes of the message."""
        rate = rate_of(subscription)
        if rate is None:
            return None
        held, now = self._hold.at(record), self._crew.clock.now()
        if held.has_place_after(now):
            return in_queue_or_ledger(held.place - now)
        if not held.has_place_at(now) and (stop := self._take_place(record, subscription, rate)):
            return stop
        self._gone = subscription, rate
        return None

    def leave(self) -> None:
        """Whoever has gone leaves the places behind to others, unless its lane has another."""
        if self._gone is None:
            return
        held, now = self._hold.record, self._crew.clock.now()
        if held and held.has_place_after(now):
            return
        subscription, rate = self._gone
        room = (now + _ahead(rate) - self._free_at) / rate.spacing_seconds
        for one in self._sharing(subscription):
            Rouse(self._crew)(one, max(1, min(int(room), MOST_ROUSED)))

    def _take_place(self, record: DeliveryRecord, subscription: Subscription, rate: Rate) -> Stop:
        now = self._crew.clock.now()
        place = self._crew.paces.reserve(
            subscription.pace, every=rate.spacing_seconds, latest=now + _ahead(rate)
        )
        self._free_at = place.free_at
        if place.at is None:
            held = self._hold.at(record).suspended_until(
                now + LOOK_AGAIN_SECONDS, reason=SuspendedReason.RATE_LIMIT
            )
            self._keep(record, held)
            return Done()
        wait = place.at - now
        if wait < SHORTEST_WAIT_SECONDS:
            self._crew.clock.sleep(wait)
            return None
        self._keep(record, _placed(self._hold.at(record), place.at, wait))
        return in_queue_or_ledger(wait)

    def _keep(self, record: DeliveryRecord, held: HeldLane) -> None:
        """The delivery waits in the ledger; one that came to a flowing lane is not there yet."""
        if self._hold.record is None:
            self._hold.write(record, held)
        else:
            self._hold.wait(held)

    def _sharing(self, subscription: Subscription) -> list[str]:
        """Where a service counts by the URL, others wait for the same places."""
        if not subscription.paced_by:
            return [subscription.id]
        everyone = self._crew.subscriptions.all()
        return [one.id for one in everyone if one.paced_by == subscription.paced_by]


def _ahead(rate: Rate) -> float:
    return max(AHEAD_SECONDS, rate.spacing_seconds + SLACK_SECONDS)


def _placed(held: HeldLane, place: float, wait: float) -> HeldLane:
    """The clock looks once a minute: it is to come by before the place does."""
    early = LONGEST_WAIT_IN_QUEUE_SECONDS if wait > LONGEST_WAIT_IN_QUEUE_SECONDS else 0.0
    return held.placed(place, due_at=place - early)
