"""Operations: the use cases of one deployment, for the command and the API alike.

===================  ==================================================================
__init__.py          the service: the use cases, and the two steps of a removal
factory.py           the service, made of its ports
bootstrap.py         the ports of a deployment: its adapters
backfill.py          the past of a new subscription
events.py            events followed as they arrive, a sample triggered, parked ones sent again
trends.py            health over time, latency and deliveries a minute
notify_operators.py  reports each new condition of a subscription to operators once
http_status.py       the status of an error, in the API and in the console
views/               the model of each resource that the command and the API show
===================  ==================================================================
"""

from collections.abc import Mapping
from dataclasses import dataclass

from lakehook.dead_letters import DeadLetterSelector, Discard, FindDeadLetters, Redrive
from lakehook.delivery.ping import TestEndpoint
from lakehook.domain.subscription import ID_PREFIX, Subscription
from lakehook.domain.time import parse_time_or_ago
from lakehook.operations.events import ManageParkedEvents
from lakehook.operations.trends import ShowTrends
from lakehook.ports.ingress import Publish
from lakehook.ports.system import Clock
from lakehook.queries import (
    Explain,
    ListDeliveries,
    ListEvents,
    ListLanes,
    ListPipelines,
    ShowPipeline,
    ShowStatus,
)
from lakehook.replay.manage import (
    CountReplay,
    DeleteStaleDlqCopies,
    FollowReplay,
    LookUpReplays,
    Resend,
    SendPipeline,
    StartReplay,
    StopReplay,
)
from lakehook.subscriptions.lifecycle import (
    EnableSubscription,
    FindSubscription,
    PauseSubscription,
    ResumeSubscription,
    SubscriptionBacklog,
    Unsubscribe,
)
from lakehook.subscriptions.preview import PreviewDelivery
from lakehook.subscriptions.secrets import (
    RemoveClientCertificate,
    RotateSecret,
    SetClientCertificate,
)
from lakehook.subscriptions.subscribe import Subscribe, UpdateSubscription


def _split_delivery(reference: str) -> tuple[str, str, str]:
    """Split into the subscription, whose name may contain ``#``, and ``pipeline#sequence``."""
    lane, _, sequence = reference.rpartition("#")
    name, separator, pipeline = lane.rpartition("#")
    return name, separator, f"{pipeline}#{sequence}"


@dataclass(frozen=True, kw_only=True)
class OperatorService:
    clock: Clock
    show_status: ShowStatus
    show_trends: ShowTrends
    publish: Publish
    parked_events: ManageParkedEvents
    find_subscription: FindSubscription
    subscribe: Subscribe
    test_endpoint: TestEndpoint
    update: UpdateSubscription
    preview: PreviewDelivery
    rotate_secret: RotateSecret
    set_client_certificate: SetClientCertificate
    remove_client_certificate: RemoveClientCertificate
    unsubscribe: Unsubscribe
    pause: PauseSubscription
    resume: ResumeSubscription
    enable: EnableSubscription
    find_dead_letters: FindDeadLetters
    redrive: Redrive
    discard: Discard
    list_lanes: ListLanes
    list_deliveries: ListDeliveries
    explain: Explain
    resend: Resend
    send_pipeline: SendPipeline
    show_pipeline: ShowPipeline
    list_pipelines: ListPipelines
    list_events: ListEvents
    start_replay: StartReplay
    count_replay: CountReplay
    replays: LookUpReplays
    follow_replay: FollowReplay
    stop_replay: StopReplay
    delete_stale_copies: DeleteStaleDlqCopies

    def remove_subscription(
        self, reference: str, *, discard_waiting: bool
    ) -> tuple[Subscription, SubscriptionBacklog]:
        """Return the tombstone, and what is discarded: dead letters here, the rest by the sender.

        Repeated with the id, it completes an interrupted removal.
        """
        tombstone, backlog = self.unsubscribe(
            self.find_subscription(reference, removed=True), discard_waiting=discard_waiting
        )
        if backlog.dead:
            self.discard(self.find_dead_letters(DeadLetterSelector(subscription_id=tombstone.id)))
        return tombstone, backlog

    def moment(self, text: str, *, what: str) -> float:
        """Return unix seconds of a time, or of a duration ago; ``InvalidInput`` shows both."""
        return parse_time_or_ago(text, what=what, now=self.clock.now())

    def subscriptions_by_id(self) -> Mapping[str, Subscription]:
        """Return every subscription, removed ones too."""
        return {s.id: s for s in self.find_subscription.subscriptions.all()}

    def resolve_delivery(self, reference: str) -> str:
        """Return the id of a delivery whose subscription may be given by its name."""
        name, separator, rest = _split_delivery(reference)
        if not separator or name.startswith(ID_PREFIX):
            return reference
        return f"{self.find_subscription(name).id}#{rest}"

    def resolve_id(self, reference: str | None) -> str | None:
        """Return the id of a subscription given by id or name, a removed one by id."""
        return None if reference is None else self.find_subscription(reference, removed=True).id
