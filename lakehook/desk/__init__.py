"""What an operator can have done: the use cases of one deployment, whatever the door.

=====================  ============================================================
__init__.py            the desk: the use cases, and the two steps of a removal
on_aws.py              the desk of a deployment, with every technology behind it
…_facts.py             what is told of things: the same JSON at every door
=====================  ============================================================
"""

from dataclasses import dataclass

from lakehook.discard import Discard
from lakehook.domain.moment import parse_moment
from lakehook.domain.subscription import Subscription
from lakehook.explain import Explain
from lakehook.find_letters import Choice, FindLetters
from lakehook.list_deliveries import ListDeliveries
from lakehook.list_lanes import ListLanes
from lakehook.list_pipelines import ListPipelines
from lakehook.look_up import LookUp
from lakehook.pause import Enable, Pause, Unpause
from lakehook.ping.ask import AskEndpoint
from lakehook.ports.clock import Clock
from lakehook.preview import PreviewDelivery
from lakehook.redrive import Redrive
from lakehook.replay import (
    CountReplay,
    FollowReplay,
    LookUpReplays,
    StartReplay,
    StopReplay,
    TidyCopies,
)
from lakehook.subscribe import Amend, Subscribe
from lakehook.subscribe.rotate import RotateSecret
from lakehook.tell_pipeline import TellPipeline
from lakehook.unsubscribe import Backlog, Unsubscribe


@dataclass(frozen=True, kw_only=True)
class Desk:
    clock: Clock
    look_up: LookUp
    subscribe: Subscribe
    ask: AskEndpoint
    amend: Amend
    preview: PreviewDelivery
    rotate_secret: RotateSecret
    unsubscribe: Unsubscribe
    pause: Pause
    unpause: Unpause
    enable: Enable
    find_letters: FindLetters
    redrive: Redrive
    discard: Discard
    list_lanes: ListLanes
    list_deliveries: ListDeliveries
    explain: Explain
    tell_pipeline: TellPipeline
    list_pipelines: ListPipelines
    start_replay: StartReplay
    count_replay: CountReplay
    replays: LookUpReplays
    follow_replay: FollowReplay
    stop_replay: StopReplay
    tidy_copies: TidyCopies

    def remove(self, asked: str, *, discard_waiting: bool) -> tuple[Subscription, Backlog]:
        """The tombstone, and what is being discarded: the letters here, the rest by the sender.

        Said again, with its id, it finishes what a removal that broke off has left.
        """
        tombstone, backlog = self.unsubscribe(
            self.look_up(asked, removed=True), discard_waiting=discard_waiting
        )
        if backlog.dead:
            self.discard(self.find_letters(Choice(subscription_id=tombstone.id)))
        return tombstone, backlog

    def moment(self, text: str, *, what: str) -> float:
        """Unix seconds of a time, or of how long ago it was; ``BadInput`` shows both forms."""
        return parse_moment(text, what=what, now=self.clock.now())

    def id_of(self, asked: str | None) -> str | None:
        """The id of the one that is meant by id or name, a removed one by id; none of none."""
        return None if asked is None else self.look_up(asked, removed=True).id
