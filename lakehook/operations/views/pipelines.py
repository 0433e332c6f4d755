"""Views of pipelines: their events, and each subscriber's progress."""

from dataclasses import dataclass
from typing import Self

from lakehook.domain.event import Event, split_pipeline_key
from lakehook.domain.pipeline import AcceptedEvent
from lakehook.domain.status import subscription_state
from lakehook.domain.subscription import Subscription
from lakehook.domain.time import format_rfc3339
from lakehook.operations.views import console_path, described, parked_event_path, pipeline_path
from lakehook.operations.views.subscriptions import OF_SOURCE
from lakehook.ports.queues import ParkedEvent
from lakehook.ports.stores import SkippedEvent
from lakehook.queries import PipelineReport, SubscriberProgress, UnfinishedPipeline
from lakehook.replay.worker import EnqueueResult


@dataclass(frozen=True, kw_only=True)
class PipelineView:
    pipeline_id: str
    source: str | None = described(OF_SOURCE)
    state: str
    since: str
    seconds: int
    round: int
    project_name: str | None
    stalled: bool
    console_path: str = console_path()

    @classmethod
    def from_unfinished(cls, unfinished: UnfinishedPipeline) -> Self:
        pipeline = unfinished.pipeline
        source, pipeline_id = split_pipeline_key(pipeline.key)
        return cls(
            pipeline_id=pipeline_id,
            source=source,
            state=str(pipeline.run.state),
            since=format_rfc3339(unfinished.since),
            seconds=int(unfinished.seconds),
            round=pipeline.run.number,
            project_name=pipeline.info.project_name if pipeline.info else None,
            stalled=pipeline.run.stalled,
            console_path=pipeline_path(pipeline.key),
        )


@dataclass(frozen=True, kw_only=True)
class EventView:
    sequence: int
    event_type: str
    timestamp: str
    accepted_at: str
    event_id: str
    inferred: bool

    @classmethod
    def from_accepted(cls, accepted: AcceptedEvent) -> Self:
        event = accepted.sequenced.event
        return cls(
            sequence=accepted.sequenced.sequence,
            event_type=str(event.type),
            timestamp=event.document["timestamp"],
            accepted_at=format_rfc3339(accepted.at),
            event_id=event.id,
            inferred=event.is_inferred,
        )


@dataclass(frozen=True, kw_only=True)
class SkippedEventView:
    event_type: str
    timestamp: str
    accepted_at: str
    event_id: str
    reason: str

    @classmethod
    def from_skipped(cls, skipped: SkippedEvent) -> Self:
        return cls(
            event_type=str(skipped.event.type),
            timestamp=skipped.event.at,
            accepted_at=format_rfc3339(skipped.at),
            event_id=skipped.event.id,
            reason=str(skipped.reason),
        )


@dataclass(frozen=True, kw_only=True)
class ParkedEventView:
    id: str
    pipeline: str
    parked_at: str
    reason: str
    body: str
    console_path: str = console_path()

    @classmethod
    def from_parked(cls, parked: ParkedEvent) -> Self:
        return cls(
            id=parked.id,
            pipeline=parked.pipeline_key,
            parked_at=format_rfc3339(parked.parked_at),
            reason=parked.reason,
            body=parked.body,
            console_path=parked_event_path(parked.id),
        )


@dataclass(frozen=True, kw_only=True)
class SentEventView:
    """A parked event that was published."""

    sent: int
    pipeline_id: str
    source: str | None = described(OF_SOURCE)
    event_id: str
    console_path: str = console_path()

    @classmethod
    def from_event(cls, event: Event) -> Self:
        return cls(
            sent=1,
            pipeline_id=str(event.pipeline_id),
            source=event.source,
            event_id=event.id,
            console_path=pipeline_path(event.pipeline_key),
        )


@dataclass(frozen=True, kw_only=True)
class SentPipelineView:
    """What of a pipeline was sent to one subscriber again."""

    pipeline_id: str
    source: str | None = described(OF_SOURCE)
    subscription_id: str
    subscription_name: str
    sent: int = described("Deliveries that go out, in order, marked replayed.")
    waiting: int = described("Deliveries that were waiting already.")
    console_path: str = console_path()

    @classmethod
    def from_result(
        cls, pipeline_key: str, subscription: Subscription, result: EnqueueResult
    ) -> Self:
        source, pipeline_id = split_pipeline_key(pipeline_key)
        return cls(
            pipeline_id=pipeline_id,
            source=source,
            subscription_id=subscription.id,
            subscription_name=subscription.name,
            sent=result.sent,
            waiting=result.waiting,
            console_path=pipeline_path(pipeline_key),
        )


@dataclass(frozen=True, kw_only=True)
class SubscriberProgressView:
    subscription_id: str
    name: str
    state: str
    last_delivered: int | None
    waiting: int
    dead: int

    @classmethod
    def from_progress(cls, progress: SubscriberProgress) -> Self:
        return cls(
            subscription_id=progress.subscription.id,
            name=progress.subscription.name,
            state=str(subscription_state(progress.subscription)),
            last_delivered=progress.last_delivered,
            waiting=progress.waiting,
            dead=progress.dead,
        )


@dataclass(frozen=True, kw_only=True)
class PipelineReportView:
    pipeline_id: str
    source: str | None = described(OF_SOURCE)
    events: list[EventView]
    not_sent: list[SkippedEventView]
    subscribers: list[SubscriberProgressView]
    console_path: str = console_path()

    @classmethod
    def from_report(cls, report: PipelineReport) -> Self:
        source, pipeline_id = split_pipeline_key(report.pipeline_key)
        return cls(
            pipeline_id=pipeline_id,
            source=source,
            events=[EventView.from_accepted(event) for event in report.events],
            not_sent=[SkippedEventView.from_skipped(event) for event in report.skipped],
            subscribers=[
                SubscriberProgressView.from_progress(progress) for progress in report.subscribers
            ],
            console_path=pipeline_path(report.pipeline_key),
        )
