"""Events for operators: followed as they arrive, a sample triggered, parked ones sent again.

The index of unfinished pipelines shows at once which pipelines changed. It never has one whose
first event ended it, so a page of the journal is read each second as well. That finds the others,
at a cost that does not depend on the journal's length.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from lakehook.domain.delivery import Delivery
from lakehook.domain.errors import InfrastructureError, InvalidInput, NotFound
from lakehook.domain.event import Event, EventType, parse_event
from lakehook.domain.pipeline import ACTIVE_STATES, AcceptedEvent, PipelineState
from lakehook.domain.sample import sample_delivery, trial_event
from lakehook.domain.subscription import Subscription
from lakehook.ports.ingress import Publish
from lakehook.ports.queues import DeliveryQueue, ParkedEvent, ParkedEventQueue
from lakehook.ports.stores import Journal
from lakehook.ports.system import Clock
from lakehook.subscriptions.preview import match

POLL_SECONDS = 1.0
CLOCK_SKEW_SECONDS = 60.0  # fan-out's clock may be ahead of ours by this

TRIAL_SOURCE = "trial"

MAX_SHOWN = 80  # characters of an id in an error

_Order = tuple[float, str, int]


@dataclass(frozen=True)
class FollowEvents:
    journal: Journal
    clock: Clock

    def past(self, *, since: float) -> Sequence[AcceptedEvent]:
        """Return events accepted since then, in order, by reading the whole journal."""
        cursor, accepted = "", dict[_Order, AcceptedEvent]()
        until = self.clock.now() + CLOCK_SKEW_SECONDS
        while True:
            page = self.journal.page(since=since, until=until, after=cursor)
            accepted |= {_order(entry.accepted): entry.accepted for entry in page.entries}
            cursor = page.cursor
            if not cursor:
                return [accepted[order] for order in sorted(accepted)]

    def __call__(self, *, since: float) -> Iterator[AcceptedEvent]:
        """Yield events accepted since then, each pipeline's in order, without an end."""
        follower = _Follower(self, since)
        while True:
            yield from follower.poll()
            self.clock.sleep(POLL_SECONDS)


@dataclass
class _Follower:
    """State of the last poll."""

    sources: FollowEvents
    since: float
    cursor: str = ""  # in the journal
    unfinished: dict[str, int] | None = None  # pipelines and their sequences
    followed: dict[str, int] = field(default_factory=dict)  # the last sequence of each

    def poll(self) -> list[AcceptedEvent]:
        moved = self._moved() | self._scanned()
        return sorted((event for key in moved for event in self._new_events(key)), key=_order)

    def _moved(self) -> set[str]:
        before, now = self.unfinished, self._list_unfinished()
        self.unfinished = now
        if before is None:
            return set()
        return {key for key in before | now if before.get(key) != now.get(key)}

    def _list_unfinished(self) -> dict[str, int]:
        until = self.sources.clock.now() + CLOCK_SKEW_SECONDS
        return {
            pipeline.key: pipeline.sequence
            for state in ACTIVE_STATES
            for stalled in (False, True)
            for pipeline in self.sources.journal.unfinished(
                PipelineState(state), until=until, stalled=stalled
            )
        }

    def _scanned(self) -> set[str]:
        until = self.sources.clock.now() + CLOCK_SKEW_SECONDS
        page = self.sources.journal.page(since=self.since, until=until, after=self.cursor)
        self.cursor = page.cursor
        return {
            entry.accepted.sequenced.event.pipeline_key
            for entry in page.entries
            if entry.accepted.sequenced.sequence > self._last(entry.accepted)
        }

    def _last(self, accepted: AcceptedEvent) -> int:
        return self.followed.get(accepted.sequenced.event.pipeline_key, 0)

    def _new_events(self, pipeline_key: str) -> list[AcceptedEvent]:
        events = [
            accepted
            for accepted in self.sources.journal.events(pipeline_key)
            if accepted.at >= self.since and accepted.sequenced.sequence > self._last(accepted)
        ]
        if events:
            self.followed[pipeline_key] = events[-1].sequenced.sequence
        return events


def _order(accepted: AcceptedEvent) -> _Order:
    event = accepted.sequenced
    return accepted.at, event.event.pipeline_key, event.sequence


@dataclass(frozen=True)
class TriggerEvent:
    publish: Publish
    deliveries: DeliveryQueue
    clock: Clock

    def to_all(self, event_type: EventType, pipeline_id: int | str) -> Event:
        """Publish a sample as the pipeline service would, to all its subscribers."""
        event = trial_event(event_type, at=self.clock.now(), pipeline_id=pipeline_id)
        self.publish([event])
        return event

    def to_one(
        self, subscription: Subscription, event_type: EventType, pipeline_id: int | str
    ) -> Delivery:
        """Deliver a sample to one subscription, in a lane of its own.

        Its source keeps it apart from the lanes of real pipelines, and from earlier trials: it
        waits for none that fails.
        """
        now = self.clock.now()
        source = f"{TRIAL_SOURCE}-{now * 1000:.0f}"
        event = trial_event(event_type, at=now, pipeline_id=pipeline_id, source=source)
        for result in match(subscription, [event]):
            if result.reason:
                raise InvalidInput(
                    f"{subscription.name} does not get {event_type}: {result.reason}"
                )
        delivery = sample_delivery(event, subscription)
        if self.deliveries.enqueue_deliveries([delivery]):
            raise InfrastructureError("the deliveries queue did not take it; try again")
        return delivery


@dataclass(frozen=True)
class ManageParkedEvents:
    parked: ParkedEventQueue
    publish: Publish

    def all(self) -> list[ParkedEvent]:
        """Return them, the oldest first. For a moment nobody else sees them."""
        return self.parked.list()

    def find(self, parked_id: str) -> ParkedEvent:
        for event in self.parked.list():
            if event.id == parked_id:
                return event
        raise _not_parked(parked_id)

    def send(self, parked_id: str, body: str | None = None) -> Event:
        """Publish it, as it is or with another body, and delete what was parked.

        It comes after what its pipeline has published since. A crash in between leaves it parked;
        sent again, it is a duplicate.
        """
        parked_event = self.find(parked_id)
        event = parse_event(parked_event.body if body is None else body)
        self.publish([event])
        self.parked.delete([parked_event.id])
        return event

    def delete(self, parked_id: str) -> None:
        if not self.parked.delete([parked_id]):
            raise _not_parked(parked_id)


def _not_parked(parked_id: str) -> NotFound:
    return NotFound(f"no parked event {parked_id[:MAX_SHOWN]!a} is on the queue")
