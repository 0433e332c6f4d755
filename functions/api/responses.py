"""Response models of the API: the views of ``lakehook.operations.views``, described for clients.

The views decide, the models follow: a test compares each view's fields with its model.
"""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

OF_SOURCE = "Which DevLake, or other service, counts the pipeline; null is the default one."


class ResponseModel(BaseModel):
    model_config = ConfigDict(extra="allow")


class Page(ResponseModel):
    next: str | None = Field(description="The `cursor` of what follows; null at the end.")


class Subscription(ResponseModel):
    subscription_id: str = Field(examples=["sub_0123"])
    name: str
    url: str = Field(description="Without what may be a credential.")
    channel: str
    format: str
    language: str | None = Field(description="Of a channel that speaks to people.")
    event_types: list[str]
    pattern: str | None = Field(description="As JSON text.")
    signing: str
    public_key: str | None
    deadline_seconds: float
    ordering: str
    retry_schedule: str
    rate: str | None
    headers: list[str] = Field(description="Their names alone.")
    template: dict[str, Any] | None = Field(description="Body, subject and headers, in Liquid.")
    state: str = Field(description="active, paused, disabled, pending or removed.")
    paused_at: str | None
    disabled_reason: str | None


class Secret(ResponseModel):
    signing: str
    created_at: str | None
    expires_at: str | None
    public_key: str | None


class SubscriptionDetail(Subscription):
    created_at: str
    removed_at: str | None
    secrets: list[Secret]


class CreatedSubscription(Subscription):
    secret: str | None = Field(
        description="Told this once; null where it was brought, or has a public key instead."
    )
    replay_id: str | None = Field(None, description="Of its past, where that was asked for.")


class RotatedSecret(CreatedSubscription):
    effective_at: str
    secrets: list[Secret]


class ResumedSubscription(Subscription):
    lanes_resumed: int


class PingReport(Subscription):
    outcome: str | None = Field(description="null: nothing came in time.")
    status: int | None
    milliseconds: int | None
    answer: str | None
    hint: str | None


class SubscriptionBacklog(ResponseModel):
    waiting: int
    dead: int
    lanes: int


class Removed(ResponseModel):
    subscription_id: str
    name: str
    removed_at: str | None
    discarded: SubscriptionBacklog


class Subscriptions(Page):
    subscriptions: list[Subscription]


class Match(ResponseModel):
    pipeline_id: str
    source: str | None = Field(description=OF_SOURCE)
    event_type: str
    event_id: str
    matches: bool
    reason: str | None = Field(description="Why it would not go out.")


class MatchResults(ResponseModel):
    matches: list[Match]


class DeadLetter(ResponseModel):
    delivery_id: str = Field(examples=["sub_0123#39#2"])
    subscription_id: str
    pipeline_id: str
    source: str | None = Field(description=OF_SOURCE)
    sequence: int
    event_id: str
    event_type: str
    status: str
    reason: str | None
    attempts: int
    last_status: str | None
    last_attempt_at: str | None


class Delivery(DeadLetter):
    changed_at: str


class Attempt(ResponseModel):
    at: str
    outcome: str
    status: int | None
    milliseconds: int
    answer: str | None


class DeliveryDetail(Delivery):
    next: str = Field(description="What happens next, in words.")
    next_at: str | None
    log: list[Attempt]


class Deliveries(ResponseModel):
    deliveries: list[Delivery]


class DeadLetters(Page):
    dead_letters: list[DeadLetter]


class DeadLetterActionResult(ResponseModel):
    action: str
    dry_run: bool = Field(description="It was only asked which they are.")
    number: int
    remaining: int = Field(description="Chosen too, and left for another call.")
    dead_letters: list[DeadLetter]


class Lane(ResponseModel):
    subscription_id: str
    pipeline_id: str
    source: str | None = Field(description=OF_SOURCE)
    head: int
    state: str
    attempts: int
    held_since: str
    due_at: str
    waiting_behind: int


class Lanes(Page):
    lanes: list[Lane]


class Pipeline(ResponseModel):
    pipeline_id: str
    source: str | None = Field(description=OF_SOURCE)
    state: str
    since: str
    seconds: int
    round: int
    project_name: str | None
    stalled: bool


class Pipelines(Page):
    pipelines: list[Pipeline]


class Event(ResponseModel):
    sequence: int
    event_type: str
    timestamp: str
    accepted_at: str
    event_id: str
    inferred: bool


class SkippedEvent(ResponseModel):
    event_type: str
    timestamp: str
    accepted_at: str
    event_id: str
    reason: str


class SubscriberProgress(ResponseModel):
    subscription_id: str
    name: str
    state: str
    last_delivered: int | None
    waiting: int
    dead: int


class PipelineReport(ResponseModel):
    pipeline_id: str
    source: str | None = Field(description=OF_SOURCE)
    events: list[Event]
    not_sent: list[SkippedEvent]
    subscribers: list[SubscriberProgress]


class Replay(ResponseModel):
    replay_id: str = Field(examples=["rpl_0123"])
    subscription_id: str
    state: str = Field(description="open, done or stopped; done is lined up to be sent.")
    reason: str | None = Field(description="Why it was stopped.")
    since: str
    until: str | None
    event_types: list[str]
    status: str
    rate: str
    started_at: str
    ended_at: str | None
    matched: int | None = Field(description="Deliveries, where they were counted.")
    sent: int = Field(description="Deliveries that were lined up.")
    waiting: int = Field(description="That waited anyway, and were let be.")
    failed: int = Field(description="Pipelines that were left out, for a fault of ours.")


class ReplayStarted(Replay):
    already_running: bool = Field(description="It was open already.")


class ReplayList(Page):
    replays: list[Replay]


class EventTypeCount(ResponseModel):
    event_type: str
    deliveries: int


class ReplayCount(ResponseModel):
    subscription_id: str
    since: str
    until: str | None
    deliveries: int
    pipelines: int
    waiting: int
    event_types: list[EventTypeCount]


class PreviewResult(ResponseModel):
    subject: str | None
    headers: dict[str, str] = Field(description="Less what only the sender knows.")
    body: str
    html: str | None
    warnings: list[str]
