"""Views of replays, and of their counts."""

from dataclasses import dataclass
from typing import Any, Self

from lakehook.domain.replay import Replay, ReplayCriteria
from lakehook.domain.subscription import Subscription
from lakehook.domain.time import format_rfc3339
from lakehook.operations.views import REPLAYS, console_path, described, example, format_time
from lakehook.operations.views.deliveries import Owners, name_of
from lakehook.replay.manage import ReplayCount


@dataclass(frozen=True, kw_only=True)
class ReplayView:
    replay_id: str = example("rpl_0123")
    subscription_id: str
    subscription_name: str | None
    state: str = described("open, done or stopped; done: every delivery was enqueued.")
    reason: str | None = described("Why it was stopped.")
    since: str
    until: str | None
    event_types: list[str]
    status: str
    rate: str
    started_at: str
    ended_at: str | None
    matched: int | None = described("Deliveries, if they were counted.")
    sent: int = described("Enqueued deliveries.")
    waiting: int = described("Deliveries that were waiting already.")
    failed: int = described("Pipelines skipped by an internal error.")
    console_path: str = console_path()

    @classmethod
    def from_replay(cls, replay: Replay, owners: Owners, **more: Any) -> Self:
        """Build the view; ``more`` are the fields that a subclass adds."""
        criteria = replay.criteria
        return cls(
            replay_id=replay.id,
            subscription_id=replay.subscription_id,
            subscription_name=name_of(replay.subscription_id, owners),
            state=str(replay.state),
            reason=replay.reason or None,
            since=format_rfc3339(criteria.since),
            until=format_time(criteria.until),
            event_types=[str(event_type) for event_type in criteria.event_types],
            status=str(criteria.status),
            rate=str(criteria.rate),
            started_at=format_rfc3339(replay.started_at),
            ended_at=format_time(replay.ended_at),
            matched=replay.matched,
            sent=replay.sent,
            waiting=replay.waiting,
            failed=replay.failed,
            console_path=REPLAYS,
            **more,
        )


@dataclass(frozen=True, kw_only=True)
class ReplayStartedView(ReplayView):
    already_running: bool = described("Whether it was open already.")


@dataclass(frozen=True, kw_only=True)
class EventTypeCount:
    event_type: str
    deliveries: int


@dataclass(frozen=True, kw_only=True)
class ReplayCountView:
    subscription_id: str
    subscription_name: str
    since: str
    until: str | None
    deliveries: int
    pipelines: int
    waiting: int
    event_types: list[EventTypeCount]

    @classmethod
    def from_count(
        cls, count: ReplayCount, criteria: ReplayCriteria, subscription: Subscription
    ) -> Self:
        return cls(
            subscription_id=subscription.id,
            subscription_name=subscription.name,
            since=format_rfc3339(criteria.since),
            until=format_time(criteria.until),
            deliveries=count.deliveries,
            pipelines=count.pipelines,
            waiting=count.waiting,
            event_types=[
                EventTypeCount(event_type=str(event_type), deliveries=deliveries)
                for event_type, deliveries in sorted(count.by_type.items())
            ],
        )
