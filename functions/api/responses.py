"""Pages of the API: lists of the views of ``lakehook.operations.views``."""

from dataclasses import dataclass

from lakehook.operations.views import described
from lakehook.operations.views.deliveries import DeadLetterView, DeliveryView, LaneView
from lakehook.operations.views.pipelines import PipelineView
from lakehook.operations.views.replays import ReplayView
from lakehook.operations.views.subscriptions import MatchView, SubscriptionView


@dataclass(frozen=True, kw_only=True)
class Page:
    next: str | None = described("The `cursor` of the next page; null at the end.")


@dataclass(frozen=True, kw_only=True)
class Subscriptions(Page):
    subscriptions: list[SubscriptionView]


@dataclass(frozen=True, kw_only=True)
class MatchResults:
    matches: list[MatchView]


@dataclass(frozen=True, kw_only=True)
class Deliveries:
    deliveries: list[DeliveryView]


@dataclass(frozen=True, kw_only=True)
class DeadLetters(Page):
    dead_letters: list[DeadLetterView]


@dataclass(frozen=True, kw_only=True)
class Lanes(Page):
    lanes: list[LaneView]


@dataclass(frozen=True, kw_only=True)
class Pipelines(Page):
    pipelines: list[PipelineView]


@dataclass(frozen=True, kw_only=True)
class ReplayList(Page):
    replays: list[ReplayView]
